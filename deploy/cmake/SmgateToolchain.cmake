# Language level, warnings, sanitizers and output folders: the same for every target.
option(SMGATE_WERROR "Warnings are errors" OFF)
option(SMGATE_BUILD_TESTS "Build the tests" ON)
set(SMGATE_SANITIZE "" CACHE STRING "Sanitizers for -fsanitize=, empty for none")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

# Assertions stay in release builds: a bug must stop the program, not corrupt a verdict.
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")

find_program(SMGATE_CCACHE ccache)
if(SMGATE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SMGATE_CCACHE})
endif()

# Plain char is signed on x86-64 and unsigned on aarch64; nothing here may depend on it, so one build of each exists
# in the field. -Wconversion catches the width errors that only show on the other one.
add_library(smgate_options INTERFACE)
target_compile_options(smgate_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor
  $<$<BOOL:${SMGATE_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 is wrong about "text" + std::string (its bug 105651) and about fmt's parser of formats, inlined at -O3.
  target_compile_options(smgate_options INTERFACE -Wno-restrict -Wno-stringop-overflow)
endif()
target_include_directories(smgate_options INTERFACE ${PROJECT_SOURCE_DIR})
if(SMGATE_SANITIZE)
  add_compile_options(-fsanitize=${SMGATE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SMGATE_SANITIZE})
  if(SMGATE_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC warns that it does not model fences. Asio's stand beside locks that it does model.
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-tsan>)
  endif()
endif()

# smgate_library(name SOURCES a.cpp ... LIBS x y): a static library with the project's warnings.
function(smgate_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC smgate_options ${arg_LIBS})
endfunction()
