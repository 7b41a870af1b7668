# smgate_test(name LABEL unit SOURCES a.cpp ... LIBS x y [THREADED] [TIMEOUT seconds])
# One GoogleTest program. LABEL is one of: unit contract integration github browser sim fuzz nvrtc gpu. THREADED adds the
# label `threaded`, by which the tsan preset chooses. One ctest entry a program: starting a sanitized binary once per
# test case would cost more than the cases.
find_package(GTest REQUIRED)
add_custom_target(threaded_tests)  # what the tsan preset builds

function(smgate_test name)
  cmake_parse_arguments(arg "THREADED" "LABEL;TIMEOUT" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE smgate_options ${arg_LIBS} GTest::gmock GTest::gtest GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/tests)
  target_compile_definitions(${name} PRIVATE
    SMGATE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" SMGATE_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  add_test(NAME ${name} COMMAND ${name})
  set(labels ${arg_LABEL})
  if(arg_THREADED)
    list(APPEND labels threaded)
    add_dependencies(threaded_tests ${name})
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${arg_TIMEOUT})
endfunction()
