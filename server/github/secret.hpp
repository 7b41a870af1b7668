// Tokens and keys, under the name by which this library and who uses it know them.
#pragma once

#include "common/secret.hpp"

namespace smgate::github {

using smgate::Secret;

}  // namespace smgate::github
