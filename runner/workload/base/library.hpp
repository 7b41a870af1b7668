// Where a library of the CUDA toolkit may lie that is opened at run time. Pure but for the environment; any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

namespace smgate::workload {

// The file that the environment variable names, alone; else each name by soname (LD_LIBRARY_PATH, the linker's cache),
// then in the toolkit's usual folders.
std::vector<std::string> toolkit_places(const char* variable, std::initializer_list<const char*> names);

}  // namespace smgate::workload
