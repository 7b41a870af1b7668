#include "common/compress.hpp"

#include <zstd.h>

#include <memory>
#include <new>
#include <stdexcept>

namespace smgate {
namespace {

constexpr int kLevel = 3;  // zstd's default: a log shrinks some eightfold at hundreds of MB/s

// One a thread: making it takes longer than unpacking a report.
ZSTD_DCtx& unpacker() {
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  thread_local const std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
  if (context == nullptr) throw std::bad_alloc();
  return *context;
}

}  // namespace

std::string zstd_compress(std::string_view bytes) {
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress(frame.data(), frame.size(), bytes.data(), bytes.size(), kLevel);
  if (ZSTD_isError(size) != 0) throw std::runtime_error(std::string("zstd: ") + ZSTD_getErrorName(size));
  frame.resize(size);
  return frame;
}

Result<std::string> zstd_decompress(std::string_view frame, std::size_t max_bytes) {
  const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > max_bytes)
    return Error{"no zstd frame, or one of more than " + std::to_string(max_bytes) + " bytes", "", ""};
  std::string bytes(static_cast<std::size_t>(size), '\0');
  const std::size_t got = ZSTD_decompressDCtx(&unpacker(), bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(got) != 0) return Error{std::string("zstd: ") + ZSTD_getErrorName(got), "", ""};
  return bytes;
}

}  // namespace smgate
