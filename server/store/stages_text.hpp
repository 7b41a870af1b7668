// A job's stages as the text that its row points to. For server/store alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/gate/stage.hpp"

namespace smgate::store {

std::string stages_to_text(const std::vector<Stage>& stages);
std::vector<Stage> stages_from_text(std::string_view text);  // throws where the text is not one of ours

}  // namespace smgate::store
