# Debian's libraries as targets. Asio and Beast are header libraries that compile slowly: their bodies are compiled
# once, in smgate_net, and every other file sees declarations only.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(prometheus-cpp REQUIRED CONFIG)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)

add_library(smgate_net STATIC ${CMAKE_CURRENT_LIST_DIR}/net_impl.cpp)
target_compile_definitions(smgate_net PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
target_link_libraries(smgate_net PUBLIC Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
