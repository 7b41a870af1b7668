#include "runner/agent/spool.hpp"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "common/file.hpp"
#include "common/log.hpp"

namespace smgate::agent {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kHeader = 8;
constexpr const char* kAssignFile = "assign.json";
constexpr std::string_view kSegmentPrefix = "items.";
constexpr std::string_view kUnfinished = ".new";
constexpr std::string_view kRemoved = ".gone";

[[noreturn]] void fail(const std::string& doing, const fs::path& path) {
  throw std::system_error(errno, std::generic_category(), doing + " " + path.string());
}

std::uint32_t crc32(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

void put_u32(std::string& bytes, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift & 0xFFU);
}

std::uint32_t get_u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

std::string frame(std::string_view text) {
  std::string bytes;
  bytes.reserve(kHeader + text.size());
  put_u32(bytes, static_cast<std::uint32_t>(text.size()));
  put_u32(bytes, crc32(text));
  bytes += text;
  return bytes;
}

std::optional<std::uint64_t> segment_number(const std::string& name) {
  if (name.rfind(kSegmentPrefix, 0) != 0) return std::nullopt;
  std::uint64_t first = 0;
  const char* begin = name.data() + kSegmentPrefix.size();
  const auto [end, error] = std::from_chars(begin, name.data() + name.size(), first);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return first;
}

std::string read_at(int fd, std::uint64_t offset, std::size_t length, const fs::path& path) {
  std::string bytes(length, '\0');
  std::size_t done = 0;
  while (done < length) {
    const ssize_t got = pread(fd, bytes.data() + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot read", path);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

// Deletes a folder so that no half of it is ever taken for a whole one.
void remove_folder(const fs::path& folder) {
  const fs::path gone = folder.string() + std::string(kRemoved);
  fs::rename(folder, gone);
  sync_folder(folder.parent_path());
  std::error_code ignored;
  fs::remove_all(gone, ignored);
}

}  // namespace

Spool::Spool(fs::path folder, protocol::Assign assign) : folder_(std::move(folder)), assign_(std::move(assign)) {}

fs::path Spool::segment_path(std::uint64_t first) const {
  return folder_ / fmt::format("{}{:020}", kSegmentPrefix, first);
}

std::shared_ptr<Spool> Spool::create(const fs::path& folder, protocol::Assign assign) {
  assign.credential.reset();
  const fs::path unfinished = folder.string() + std::string(kUnfinished);
  fs::remove_all(unfinished);
  fs::create_directories(unfinished);
  write_file_durably(unfinished / kAssignFile, protocol::to_text(protocol::FromCoordinator{assign}));
  fs::rename(unfinished, folder);
  sync_folder(folder.parent_path());
  std::shared_ptr<Spool> spool(new Spool(folder, std::move(assign)));
  spool->start_segment(0);
  return spool;
}

void Spool::start_segment(std::uint64_t first) {
  file_ = exec::Fd(::open(segment_path(first).c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
  if (!file_) fail("cannot open", segment_path(first));
  sync_folder(folder_);
  segments_.push_back(first);
  segment_bytes_ = 0;
}

void Spool::append(protocol::ItemBody body) {
  const std::lock_guard lock(mutex_);
  if (removed_) return;
  const std::uint64_t seq = first_ + places_.size();
  if (segment_bytes_ >= kSegmentBytes) {
    if (fdatasync(file_.get()) != 0) fail("cannot sync", segment_path(segments_.back()));
    start_segment(seq);
  }
  const bool finished = std::holds_alternative<protocol::Finished>(body);
  const std::string text =
      protocol::to_text(protocol::FromRunner{protocol::Item{assign_.job, assign_.lease, seq, std::move(body)}});
  const std::string bytes = frame(text);
  const ssize_t wrote = write(file_.get(), bytes.data(), bytes.size());
  if (wrote != static_cast<ssize_t>(bytes.size())) {
    const int error = wrote < 0 ? errno : ENOSPC;
    [[maybe_unused]] const int cut = ftruncate(file_.get(), static_cast<off_t>(segment_bytes_));
    errno = error;
    fail("cannot write", segment_path(segments_.back()));
  }
  places_.push_back({segments_.back(), segment_bytes_ + kHeader, static_cast<std::uint32_t>(text.size())});
  segment_bytes_ += bytes.size();
  finished_appended_ = finished;
}

void Spool::sync() {
  exec::Fd file;
  std::uint64_t until = 0;
  bool finished = false;
  {
    const std::lock_guard lock(mutex_);
    until = first_ + places_.size();
    finished = finished_appended_;
    if (removed_ || until == synced_) return;
    file = exec::Fd(fcntl(file_.get(), F_DUPFD_CLOEXEC, 0));
  }
  // Not under the lock: a slow disk must not hold up the network thread.
  if (!file || fdatasync(file.get()) != 0) fail("cannot sync", folder_);
  const std::lock_guard lock(mutex_);
  synced_ = until;
  finished_ = finished;
}

std::uint64_t Spool::first_seq() const {
  const std::lock_guard lock(mutex_);
  return first_;
}

std::uint64_t Spool::synced_seq() const {
  const std::lock_guard lock(mutex_);
  return synced_;
}

bool Spool::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

std::optional<std::string> Spool::read(std::uint64_t seq) const {
  const std::lock_guard lock(mutex_);
  if (removed_ || seq < first_ || seq >= synced_) return std::nullopt;
  const Place& place = places_[static_cast<std::size_t>(seq - first_)];
  const fs::path path = segment_path(place.segment);
  const exec::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) fail("cannot open", path);
  return read_at(file.get(), place.offset, place.length, path);
}

void Spool::acknowledged(std::uint64_t below_seq) {
  const std::lock_guard lock(mutex_);
  if (removed_) return;
  while (first_ < std::min(below_seq, synced_)) {
    places_.pop_front();
    ++first_;
  }
  drop_segments_before(first_);
}

void Spool::drop_segments_before(std::uint64_t first) {
  while (segments_.size() > 1 && segments_[1] <= first) {
    std::error_code ignored;  // one that stays is dropped at the next start
    fs::remove(segment_path(segments_.front()), ignored);
    segments_.pop_front();
  }
}

void Spool::remove() {
  const std::lock_guard lock(mutex_);
  if (removed_) return;
  removed_ = true;
  file_.reset();
  remove_folder(folder_);
}

Result<std::shared_ptr<Spool>> Spool::open(const fs::path& folder) {
  const Result<std::string> text = read_file(folder / kAssignFile, protocol::kMessageBytesMax);
  if (!text) return text.error();
  Result<protocol::FromCoordinator> message = protocol::parse_from_coordinator(*text);
  if (!message) return message.error();
  auto* assign = std::get_if<protocol::Assign>(&*message);
  if (assign == nullptr) return Error{"holds no assign message", (folder / kAssignFile).string(), ""};
  std::shared_ptr<Spool> spool(new Spool(folder, std::move(*assign)));
  spool->recover();
  return spool;
}

void Spool::recover() {
  std::vector<std::uint64_t> found;
  for (const auto& entry : fs::directory_iterator(folder_))
    if (const auto first = segment_number(entry.path().filename().string())) found.push_back(*first);
  std::sort(found.begin(), found.end());
  if (found.empty()) return start_segment(0);
  first_ = found.front();
  bool whole = true;
  for (const std::uint64_t first : found) {
    whole = whole && first == first_ + places_.size();
    if (whole) {
      whole = recover_segment(first);
      segments_.push_back(first);
    } else {
      fs::remove(segment_path(first));  // after a torn frame nothing was synced, so nothing was sent
    }
  }
  synced_ = first_ + places_.size();
  finished_ = finished_appended_;
  file_ = exec::Fd(::open(segment_path(segments_.back()).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file_ || fsync(file_.get()) != 0) fail("cannot open", segment_path(segments_.back()));
  sync_folder(folder_);
}

bool Spool::recover_segment(std::uint64_t first) {
  const fs::path path = segment_path(first);
  const exec::Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) fail("cannot open", path);
  const std::uint64_t size = fs::file_size(path);
  std::uint64_t offset = 0;
  while (offset < size) {
    const std::string header = read_at(file.get(), offset, kHeader, path);
    const std::uint32_t length = header.size() == kHeader ? get_u32(header) : 0;
    if (length == 0 || length > protocol::kMessageBytesMax) break;
    const std::string text = read_at(file.get(), offset + kHeader, length, path);
    if (text.size() != length || crc32(text) != get_u32(std::string_view(header).substr(4))) break;
    if (!note_frame(first, offset + kHeader, text)) break;
    offset += kHeader + length;
  }
  segment_bytes_ = offset;
  if (offset == size) return true;
  if (ftruncate(file.get(), static_cast<off_t>(offset)) != 0) fail("cannot truncate", path);
  return false;
}

bool Spool::note_frame(std::uint64_t segment, std::uint64_t offset, std::string_view text) {
  const Result<protocol::FromRunner> message = protocol::parse_from_runner(text);
  const auto* item = message ? std::get_if<protocol::Item>(&*message) : nullptr;
  if (item == nullptr || item->seq != first_ + places_.size()) return false;
  finished_appended_ = std::holds_alternative<protocol::Finished>(item->body);
  places_.push_back({segment, offset, static_cast<std::uint32_t>(text.size())});
  return true;
}

std::vector<std::shared_ptr<Spool>> open_spools(const fs::path& folder) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(folder)) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());  // leases are ULIDs: by age
  std::vector<std::shared_ptr<Spool>> spools;
  for (const fs::path& path : folders) {
    const bool half = path.extension() == kUnfinished || path.extension() == kRemoved;
    const auto spool = half ? Result<std::shared_ptr<Spool>>(nullptr) : Spool::open(path);
    if (spool && *spool) {
      spools.push_back(*spool);
      continue;
    }
    if (!spool) spdlog::error("a damaged spool is deleted folder={} error={}", path.string(), spool.error().text());
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  return spools;
}

}  // namespace smgate::agent
