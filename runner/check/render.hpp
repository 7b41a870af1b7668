// The report for a person in a terminal. First line: verdict and most upstream cause. Pure; any thread.
#pragma once

#include <string>

#include "common/contract/report.hpp"

namespace smgate::check {

std::string render(const contract::Report& report, bool colour);

}  // namespace smgate::check
