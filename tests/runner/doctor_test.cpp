// The doctor on hosts that have no GPU, which is what the tests run on.
#include "runner/device/doctor.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <nlohmann/json.hpp>

namespace smgate::device {
namespace {

// For the life of the object.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name), before_(::getenv(name) ? ::getenv(name) : "") {
    ::setenv(name, value, 1);
  }
  ~Environment() { before_.empty() ? ::unsetenv(name_) : ::setenv(name_, before_.c_str(), 1); }

 private:
  const char* name_;
  std::string before_;
};

const Finding& of(const Diagnosis& diagnosis, const std::string& name) {
  for (const Finding& finding : diagnosis.findings) {
    if (finding.name == name) return finding;
  }
  throw std::runtime_error("no finding " + name);
}

TEST(Doctor, WithoutADriverSaysThatRunsAreEmulatedAndWhatToDo) {
  const Environment driver("SMGATE_LIBCUDA", "/no/such/libcuda.so.1");
  const Diagnosis diagnosis = examine("/");
  EXPECT_FALSE(diagnosis.real());
  EXPECT_FALSE(of(diagnosis, "gpu").good);
  EXPECT_NE(of(diagnosis, "gpu").remedy.find("driver"), std::string::npos);
  EXPECT_NE(as_text(diagnosis).find("emulated gates only"), std::string::npos);
}

TEST(Doctor, NamesTheLibrariesAndProgramsThatLack) {
  const Environment nvrtc("SMGATE_NVRTC", "/no/such/libnvrtc.so");
  const Environment path("PATH", "/no/such/folder:");
  const Diagnosis diagnosis = examine("/no/such/folder");
  EXPECT_NE(of(diagnosis, "nvrtc").text.find("/no/such/libnvrtc.so"), std::string::npos);
  EXPECT_FALSE(of(diagnosis, "git").good);
  EXPECT_FALSE(of(diagnosis, "disk").good);
  EXPECT_NE(of(diagnosis, "sandbox").text.find("no bubblewrap"), std::string::npos);
}

TEST(Doctor, NeedsNoWarningToBeGone) {
  Diagnosis diagnosis{{{"gpu", true, true, "one", ""}, {"disk", false, false, "full", "buy"}}};
  EXPECT_TRUE(diagnosis.real());
  EXPECT_NE(as_text(diagnosis).find("warn  disk: full\n      buy"), std::string::npos);
  diagnosis.findings[0].good = false;
  EXPECT_FALSE(diagnosis.real());
}

TEST(Doctor, PrintsOneJsonObjectWhateverWasSeen) {
  const auto json = nlohmann::json::parse(as_json({{{"gpu", false, true, "\xff\"", "do"}}}));
  EXPECT_FALSE(json.at("real").get<bool>());
  EXPECT_EQ(json.at("findings").at(0).at("remedy"), "do");
}

}  // namespace
}  // namespace smgate::device
