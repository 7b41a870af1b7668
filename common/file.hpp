// Whole files: read with a bound, written so that a crash leaves the old one or the new one. Any thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace smgate {

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes);

// Temporary file beside it, fsync, rename, fsync of the folder. Throws std::system_error where the disk refuses.
void write_file_durably(const std::filesystem::path& path, std::string_view bytes);

// Makes a rename or a new file in `folder` durable.
void sync_folder(const std::filesystem::path& folder);

}  // namespace smgate
