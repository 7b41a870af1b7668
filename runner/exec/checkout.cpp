#include "runner/exec/checkout.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/file.h>

#include <algorithm>
#include <fstream>
#include <system_error>

#include "common/digest.hpp"
#include "common/git.hpp"
#include "common/log.hpp"
#include "runner/exec/remove_tree.hpp"

namespace smgate::exec {
namespace fs = std::filesystem;
namespace {

constexpr int kLockPollMs = 100;
constexpr std::size_t kFolderDigits = 16;  // of the address's digest: no two repositories meet
constexpr const char* kAllHistory = "2147483647";

bool has_allowed_protocol(const std::string& url, const std::vector<std::string>& protocols) {
  const std::size_t scheme = url.find("://");
  const std::string used = scheme != std::string::npos ? url.substr(0, scheme) : url.front() == '/' ? "file" : "ssh";
  return std::find(protocols.begin(), protocols.end(), used) != protocols.end();
}

class Checkout {
 public:
  Checkout(const CheckoutSpec& spec, const Cancellation& cancellation)
      : spec_(spec),
        cancellation_(cancellation),
        git_(spec.git, spec.home, cancellation, spec.lock_fd),
        mirror_(mirror_of(spec.mirrors, spec.clone_url)) {}

  Result<void> run() {
    if (!is_safe_clone_url(spec_.clone_url) || !has_allowed_protocol(spec_.clone_url, spec_.git.protocols))
      return Error{
          fmt::format("is no address that this runner fetches from; it takes {}", fmt::join(spec_.git.protocols, ", ")),
          where(), "correct the repository's clone_url, or git.protocols in the runner's configuration"};
    fs::create_directories(spec_.mirrors);
    const Result<Fd> lock = lock_mirror();
    if (!lock) return lock.error();
    const bool cached = fs::exists(mirror_);
    Result<void> done = attempt();
    // A mirror that a crash or a full disk has spoilt looks like a failing server: it is a cache, so try without it.
    if (!done && cached && !cancellation_.requested() && !sound()) {
      spdlog::warn("the mirror is damaged and is made anew mirror={} error={}", mirror_.string(), done.error().what);
      remove_tree(mirror_);
      done = attempt();
    }
    return done;
  }

 private:
  std::string where() const { return without_credentials(spec_.clone_url); }
  std::string our_ref() const { return "refs/smgate/" + spec_.commit.value; }

  Result<Fd> lock_mirror() const {
    const fs::path file = mirror_.string() + ".lock";
    Fd lock(open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    if (!lock) throw std::system_error(errno, std::generic_category(), "cannot open " + file.string());
    while (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      if (cancellation_.requested()) return Error{"stopped: " + cancellation_.text(), where(), ""};
      pollfd stop{cancellation_.fd(), POLLIN, 0};
      poll(&stop, 1, kLockPollMs);
    }
    return lock;
  }

  Result<void> attempt() {
    const Result<void> made = make_mirror();
    const Result<void> fetched = made ? fetch() : made;
    return fetched ? populate() : fetched;
  }

  Result<void> make_mirror() {
    if (count_commits() >= kMirrorCommitsMax) remove_tree(mirror_);
    if (fs::exists(mirror_ / "HEAD")) return {};
    remove_tree(mirror_);  // of an init that was interrupted
    fs::create_directories(mirror_);
    return git({"init", "--quiet", "--bare", "--template=", "."}, mirror_);
  }

  std::size_t count_commits() const {
    std::error_code none;
    const fs::directory_iterator refs(mirror_ / "refs" / "smgate", none);
    return none ? 0 : static_cast<std::size_t>(std::distance(begin(refs), end(refs)));
  }

  // The ref is written after git has checked that all of the commit arrived, so it alone says that it is here.
  Result<void> fetch() {
    if (holds(our_ref())) return {};
    Result<void> fetched = fetch_from({"--depth=1"}, spec_.commit.value + ":" + our_ref());
    if (fetched || spec_.ref.empty() || !is_safe_ref(spec_.ref) || cancellation_.requested()) return fetched;
    const std::string tip = "refs/smgate-tip";
    for (const std::string depth : {"1", kAllHistory}) {
      const Result<void> by_ref = fetch_from({"--depth=" + depth}, spec_.ref + ":" + tip);
      if (!by_ref) return by_ref;
      if (holds(spec_.commit.value)) return git({"update-ref", our_ref(), spec_.commit.value}, mirror_);
    }
    return Error{fmt::format("commit {} is not in {} any more", spec_.commit.value, spec_.ref), where(),
                 "it was probably force-pushed away; push again"};
  }

  Result<void> fetch_from(std::vector<std::string> options, const std::string& refspec) {
    std::vector<std::string> arguments{"fetch",
                                       "--quiet",
                                       "--no-tags",
                                       "--force",
                                       "--no-recurse-submodules",
                                       "--no-write-fetch-head",
                                       "--no-auto-maintenance"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.insert(arguments.end(), {"--", spec_.clone_url, refspec});
    return git(arguments, mirror_);
  }

  bool holds(const std::string& name) {
    return git({"rev-parse", "--quiet", "--verify", name + "^{commit}"}, mirror_).has_value();
  }

  bool sound() { return git({"fsck", "--connectivity-only", "--no-dangling", "--no-progress"}, mirror_).has_value(); }

  Result<void> populate() {
    remove_tree(spec_.work_tree);
    fs::create_directories(spec_.work_tree);
    const Result<void> made = git({"init", "--quiet", "--template=", "."}, spec_.work_tree);
    if (!made) return made;
    const fs::path own = spec_.work_tree / ".git";
    fs::create_directories(own / "objects" / "info");
    std::ofstream(own / "objects" / "info" / "alternates") << fs::absolute(mirror_ / "objects").string() << '\n';
    if (fs::exists(mirror_ / "shallow")) fs::copy_file(mirror_ / "shallow", own / "shallow");
    return git({"checkout", "--quiet", "--force", "--detach", spec_.commit.value, "--"}, spec_.work_tree);
  }

  Result<void> git(const std::vector<std::string>& arguments, const fs::path& folder) {
    const Result<std::string> done = git_.run(arguments, folder);
    if (done) return {};
    const std::string next =
        done.error().next.empty() ? "check the address and that this host may read it" : done.error().next;
    return Error{fmt::format("commit {}: {}", spec_.commit.value, without_ours(done.error().what)), where(), next};
  }

  // git repeats the address that it was given.
  std::string without_ours(std::string words) const {
    const std::string shown = where();
    if (shown == spec_.clone_url) return words;
    for (std::size_t at = 0; (at = words.find(spec_.clone_url, at)) != std::string::npos; at += shown.size())
      words.replace(at, spec_.clone_url.size(), shown);
    return words;
  }

  const CheckoutSpec& spec_;
  const Cancellation& cancellation_;
  Git git_;
  fs::path mirror_;
};

}  // namespace

fs::path mirror_of(const fs::path& mirrors, const std::string& clone_url) {
  return mirrors / (sha256_hex(clone_url).substr(0, kFolderDigits) + ".git");
}

Result<void> check_out(const CheckoutSpec& spec, const Cancellation& cancellation) {
  return Checkout(spec, cancellation).run();
}

}  // namespace smgate::exec
