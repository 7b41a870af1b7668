// NVRTC behind dlopen. Prototypes as in NVIDIA's NVRTC documentation (its C API is stable since CUDA 11.1, when
// nvrtcGetCUBIN came); no header of the toolkit is needed to build.
#include <dlfcn.h>
#include <sys/stat.h>

#include <chrono>

#include "runner/workload/base/library.hpp"
#include "runner/workload/cache/compiler.hpp"
#include "runner/workload/cache/headers.hpp"

#if defined(__SANITIZE_ADDRESS__)
// The library keeps its tables until the process ends; the leak checker would blame the workload.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libnvrtc\n"; }
#endif

namespace smgate::workload {

namespace {

using Program = void*;

struct Api {
  int (*version)(int*, int*);
  const char* (*error_text)(int);
  int (*create)(Program*, const char*, const char*, int, const char* const*, const char* const*);
  int (*compile)(Program, int, const char* const*);
  int (*destroy)(Program*);
  int (*log_size)(Program, std::size_t*);
  int (*log)(Program, char*);
  int (*cubin_size)(Program, std::size_t*);
  int (*cubin)(Program, char*);
};

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

bool find_all(void* library, Api& api) {
  return find(library, "nvrtcVersion", api.version) && find(library, "nvrtcGetErrorString", api.error_text) &&
         find(library, "nvrtcCreateProgram", api.create) && find(library, "nvrtcCompileProgram", api.compile) &&
         find(library, "nvrtcDestroyProgram", api.destroy) && find(library, "nvrtcGetProgramLogSize", api.log_size) &&
         find(library, "nvrtcGetProgramLog", api.log) && find(library, "nvrtcGetCUBINSize", api.cubin_size) &&
         find(library, "nvrtcGetCUBIN", api.cubin);
}

class Nvrtc : public Compiler {
 public:
  Nvrtc(const Api& api, std::string path, std::vector<std::string> folders)
      : api_(api), path_(std::move(path)), folders_(std::move(folders)) {
    api_.version(&major_, &minor_);
  }

  std::string describe() const override {
    return "NVRTC " + std::to_string(major_) + "." + std::to_string(minor_) + " (" + path_ + ")";
  }
  bool real() const override { return true; }

  Compiled compile(const Body& body, const std::string& arch) const override {
    const auto start = std::chrono::steady_clock::now();
    Compiled result{false, "", arch, "", 0.0};
    const std::string text = body.text();
    const std::string name = std::string(body.kernel()) + ".cu";
    Program program = nullptr;
    const int created = api_.create(&program, text.c_str(), name.c_str(), 0, nullptr, nullptr);
    if (created != 0) {
      result.log = api_.error_text(created);
      return result;
    }
    const std::vector<std::string> words = options_for(arch);
    std::vector<const char*> options;
    for (const std::string& word : words) options.push_back(word.c_str());
    const int compiled = api_.compile(program, static_cast<int>(options.size()), options.data());
    result.log = read(program, api_.log_size, api_.log);
    while (!result.log.empty() && result.log.back() == '\0') result.log.pop_back();
    if (compiled == 0) result.code = read(program, api_.cubin_size, api_.cubin);
    if (compiled != 0 && result.log.empty()) result.log = api_.error_text(compiled);
    result.ok = compiled == 0 && !result.code.empty();
    api_.destroy(&program);
    result.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

  std::string inputs(const Body& body, const std::string& arch) const override {
    const std::string text = body.text();
    std::string all = "NVRTC " + std::to_string(major_) + "." + std::to_string(minor_) + build_of_library() + "\n";
    for (const std::string& word : options_for(arch)) all += word + "\n";
    return all + included_headers(text, folders_) + "\n" + text;
  }

 private:
  std::vector<std::string> options_for(const std::string& arch) const {
    std::vector<std::string> options = {"--gpu-architecture=" + arch, "--std=c++17"};
    for (const std::string& folder : folders_) options.push_back("--include-path=" + folder);
    return options;
  }

  // Updates of one release share its number; its file tells them apart.
  std::string build_of_library() const {
    Dl_info info{};
    struct stat file {};
    if (::dladdr(reinterpret_cast<void*>(api_.version), &info) == 0 || ::stat(info.dli_fname, &file) != 0) return "";
    return " of " + std::to_string(file.st_size) + " bytes";
  }

  static std::string read(Program program, int (*size)(Program, std::size_t*), int (*get)(Program, char*)) {
    std::size_t bytes = 0;
    if (size(program, &bytes) != 0 || bytes == 0) return "";
    std::string data(bytes, '\0');
    return get(program, data.data()) == 0 ? data : "";
  }

  Api api_;
  std::string path_;
  std::vector<std::string> folders_;
  int major_ = 0;
  int minor_ = 0;
};

class SourceOnly : public Compiler {
 public:
  std::string describe() const override { return "none: bodies are known by the digest of their source"; }
  bool real() const override { return false; }
  Compiled compile(const Body& body, const std::string& arch) const override {
    return Compiled{true, body.text(), arch, "", 0.0};
  }
  std::string inputs(const Body& body, const std::string& arch) const override {
    return "source for " + arch + "\n" + body.text();
  }
};

}  // namespace

std::unique_ptr<Compiler> source_compiler() { return std::make_unique<SourceOnly>(); }

Outcome<std::unique_ptr<Compiler>> open_nvrtc(std::vector<std::string> folders) {
  std::string tried;
  for (const std::string& path : toolkit_places("SMGATE_NVRTC", {"libnvrtc.so.13", "libnvrtc.so.12"})) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    Api api{};
    if (library != nullptr && find_all(library, api)) {
      return std::unique_ptr<Compiler>(std::make_unique<Nvrtc>(api, path, std::move(folders)));
    }
    tried += (tried.empty() ? "" : ", ") + path;
  }
  return Failure{"NVRTC was not found (looked for " + tried + ")"};
}

}  // namespace smgate::workload
