#include "runner/workload/files/safetensors.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

namespace smgate::workload {

namespace {

std::uint64_t load_length(std::string_view bytes) {
  std::uint64_t length = 0;
  for (std::size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return length;
}

std::string store_length(std::uint64_t length) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(length >> shift & 255);
  return bytes;
}

bool same_shape(const StoredTensor& stored, const TensorInfo& wanted) {
  return std::equal(stored.shape.begin(), stored.shape.end(), wanted.shape.begin(), wanted.shape.end());
}

}  // namespace

Outcome<SafeTensorsView> view_safetensors(std::string_view bytes) {
  if (bytes.size() < 8) return Failure{"header too small: the file has " + std::to_string(bytes.size()) + " bytes"};
  const std::uint64_t length = load_length(bytes);
  if (length > kHeaderBytesMax) {
    return Failure{"header too large: " + std::to_string(length) + " bytes, at most " +
                   std::to_string(kHeaderBytesMax)};
  }
  bytes.remove_prefix(8);
  if (length > bytes.size())
    return Failure{"invalid header length: " + std::to_string(length) + " bytes do not follow"};
  const std::string_view data = bytes.substr(length);
  auto tensors = parse_safetensors_header(bytes.substr(0, length), data.size());
  if (!tensors) return Failure{tensors.error()};
  return SafeTensorsView{std::move(tensors.value()), data};
}

Outcome<SafeTensorsFile> parse_safetensors(std::string_view bytes) {
  auto view = view_safetensors(bytes);
  if (!view) return Failure{view.error()};
  return SafeTensorsFile{std::move(view.value().tensors), std::string(view.value().data)};
}

Outcome<SafeTensorsFile> read_safetensors(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Failure{"cannot open " + path + ": " + std::strerror(errno)};
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return parse_safetensors(bytes.view());
}

Outcome<std::vector<float>> values_of(const SafeTensorsFile& file, const std::vector<TensorInfo>& layout) {
  std::vector<float> values(float_count(layout));
  if (file.tensors.size() != layout.size()) {
    return Failure{"the file has " + std::to_string(file.tensors.size()) + " tensors, the model " +
                   std::to_string(layout.size())};
  }
  for (const TensorInfo& wanted : layout) {
    const auto stored = std::find_if(file.tensors.begin(), file.tensors.end(),
                                     [&](const StoredTensor& tensor) { return tensor.name == wanted.name; });
    if (stored == file.tensors.end()) return Failure{"no tensor " + wanted.name};
    if (stored->dtype != "F32") return Failure{"tensor " + wanted.name + " is " + stored->dtype + ", not F32"};
    if (!same_shape(*stored, wanted)) return Failure{"tensor " + wanted.name + " has another shape than the model"};
    std::memcpy(values.data() + wanted.offset, file.data.data() + stored->begin, wanted.count * sizeof(float));
  }
  return values;
}

std::string safetensors_header(const std::vector<TensorInfo>& layout) {
  std::string header = R"({"__metadata__":{"format":"pt"})";
  for (const TensorInfo& tensor : layout) {
    std::string shape;
    for (const std::size_t side : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(side);
    header += ",\"" + tensor.name + R"(":{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[)" +
              std::to_string(tensor.offset * sizeof(float)) + "," +
              std::to_string((tensor.offset + tensor.count) * sizeof(float)) + "]}";
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');  // tensors start on eight bytes, as the format asks writers
  return store_length(header.size()) + header;
}

std::string safetensors_bytes(const std::vector<TensorInfo>& layout, const std::vector<float>& values) {
  std::string bytes = safetensors_header(layout);
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return bytes;
}

void write_file(const std::string& path, std::string_view bytes) {
  const std::string partial = path + ".partial-" + std::to_string(::getpid());
  std::ofstream file(partial, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file || std::rename(partial.c_str(), path.c_str()) != 0) {
    const std::string reason = std::strerror(errno);
    std::remove(partial.c_str());
    throw RunFailure("cannot write " + path + ": " + reason);
  }
}

}  // namespace smgate::workload
