#include "runner/ask/ask.hpp"

#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "runner/ask/client.hpp"
#include "runner/ask/explain.hpp"
#include "runner/ask/table.hpp"

namespace smgate::ask {
namespace {

using nlohmann::json;

constexpr int kRefused = 1, kUnusable = 2;
constexpr std::chrono::milliseconds kFollowPause{500};  // between two looks at a log that grows
constexpr const char* kServerDefault = "http://127.0.0.1:8080";

// What the server said no to.
class Refused : public std::runtime_error {
 public:
  Refused(unsigned code, const std::string& text) : std::runtime_error(text), status(code) {}
  unsigned status;
};
// What cannot be asked at all.
class Unusable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Options {
  std::string server = kServerDefault;
  std::string ca_file;
  bool json = false;
  bool follow = false;
  std::string what;  // id of a run or a job
  std::string arch, stage, repository, branch, verdict;
  int limit = 20;
};

std::string text_of(const json& value, const char* field) {
  const auto found = value.find(field);
  return found != value.end() && found->is_string() ? found->get<std::string>() : "-";
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

class Asker {
 public:
  explicit Asker(Options options) : options_(std::move(options)) {
    Result<Server> server = parse_server(options_.server);
    if (!server) throw Unusable(server.error().text());
    server_ = *server;
    server_.ca_file = options_.ca_file;
    if (const char* token = std::getenv("SMGATE_TOKEN")) server_.token = token;
  }

  void status() {
    const json board = get("/api/v1/board?limit=100");
    const json queue = whole("/api/v1/queue", "jobs");
    const json runners = whole("/api/v1/runners", "runners")["runners"];
    if (options_.json) return print({{"board", board}, {"queue", queue}, {"runners", runners}});
    std::vector<std::vector<std::string>> rows = {{"BRANCH", "ARCH", "VERDICT", "CAUSE", "KEY", "RUN"}};
    for (const json& row : board["branches"])
      for (const json& job : row["run"]["jobs"])
        rows.push_back({text_of(row, "repository") + " " + text_of(row, "branch"), text_of(job, "arch"), outcome(job),
                        text_of(job, "first_cause"), text_of(job, "guilty_key"), text_of(row["run"], "id")});
    write(to_table(rows));
    rows = {{"RUNNER", "ARCH", "STATE", "BUSY"}};
    for (const json& runner : runners)
      rows.push_back({text_of(runner, "name"), text_of(runner, "arch"), state_of(runner),
                      fmt::format("{}/{}", runner["busy_slots"].get<int>(), runner["slots"].get<int>())});
    write("\n" + to_table(rows));
    for (const json& job : queue["jobs"])
      write(fmt::format("waits: {} of {} {}: {}\n", text_of(job, "arch"), text_of(job, "repository"),
                        text_of(job, "branch"), text_of(job["reason"], "text")));
  }

  void runs() {
    std::string target = fmt::format("/api/v1/runs?limit={}", options_.limit);
    for (const auto& [name, value] :
         {std::pair{"repository", options_.repository}, {"branch", options_.branch}, {"verdict", options_.verdict}})
      if (!value.empty()) target += fmt::format("&{}={}", name, escaped(value));
    const json page = get(target);
    if (options_.json) return print(page);
    std::vector<std::vector<std::string>> rows = {{"RUN", "COMMIT", "BRANCH", "VERDICT", "CAUSE", "AT"}};
    for (const json& run : page["runs"])
      rows.push_back({text_of(run, "id"), text_of(run, "commit").substr(0, 12), text_of(run, "branch"), outcome(run),
                      text_of(run, "first_cause"), text_of(run, "created_at")});
    write(to_table(rows));
  }

  void logs() {
    const std::string job = job_named();
    std::string target = "/api/v1/jobs/" + job + "/log";
    if (!options_.stage.empty()) target += "?stage=" + escaped(options_.stage);
    for (std::size_t have = 0;;) {
      const bool over = !options_.follow || is_over(get("/api/v1/jobs/" + job));  // before the last look
      const Answer answer = ask("GET", target, {{"Range", fmt::format("bytes={}-", have)}});
      if (answer.status == 200 || answer.status == 206) {
        write(answer.body);
        have += answer.body.size();
      } else if (answer.status != 416) {
        refuse(answer);
      }
      if (over) return;
      pause();
    }
  }

  void rerun() {
    act(options_.arch.empty() ? "/api/v1/runs/" + options_.what + "/rerun" : "/api/v1/jobs/" + job_named() + "/rerun");
  }
  void cancel() { act("/api/v1/runs/" + options_.what + "/cancel"); }

  void explain_run() {
    std::string id = options_.what;
    if (id.empty()) {
      const json failing = get("/api/v1/runs?verdict=fail&limit=1")["runs"];
      if (failing.empty()) return write("no run has failed\n");
      id = failing[0]["id"];
    }
    const json run = get("/api/v1/runs/" + id);
    options_.json ? print(run) : write(explain(run));
  }

 private:
  // A list with all its pages.
  json whole(const std::string& target, const char* field) {
    json first = get(target);
    for (json next = first["next"]; next.is_string();) {
      json page = get(next.get<std::string>());
      for (json& one : page[field]) first[field].push_back(std::move(one));
      next = page["next"];
    }
    first["next"] = nullptr;
    return first;
  }
  static void write(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  static void print(const json& value) { write(value.dump(2, ' ', false, json::error_handler_t::replace) + "\n"); }
  static std::string outcome(const json& of) {
    return of["verdict"].is_string() ? text_of(of, "verdict") : text_of(of, "state");
  }
  static std::string state_of(const json& runner) {
    if (runner["revoked"].get<bool>()) return "revoked";
    if (!runner["online"].get<bool>()) return "offline since " + text_of(runner, "last_seen_at");
    return runner["drained"].get<bool>() || runner["draining"].get<bool>() ? "draining" : "online";
  }
  static bool is_over(const json& job) { return job["state"] == "done" || job["state"] == "cancelled"; }

  static void pause() {
    boost::asio::io_context io;
    boost::asio::steady_timer timer(io, kFollowPause);
    timer.wait();
  }

  [[noreturn]] static void refuse(const Answer& answer) {
    const json problem = json::parse(answer.body, nullptr, false);
    if (!problem.is_object()) throw Refused(answer.status, fmt::format("the server answered {}", answer.status));
    throw Refused(answer.status, text_of(problem, "detail") + ": " + text_of(problem, "next"));
  }

  Answer ask(const std::string& method, const std::string& target, const Headers& headers = {}) {
    Result<Answer> answer = send(server_, method, target, headers);
    if (!answer) throw Unusable(answer.error().text());
    return std::move(*answer);
  }

  json get(const std::string& target) {
    const Answer answer = ask("GET", target);
    if (answer.status != 200) refuse(answer);
    json value = json::parse(answer.body, nullptr, false);
    if (!value.is_object()) throw Unusable("what answers at " + options_.server + " is no smgate server");
    return value;
  }

  void act(const std::string& target) {
    const Answer answer = ask("POST", target);
    if (answer.status != 200) refuse(answer);
    const json done = json::parse(answer.body);
    options_.json ? print(done) : write(text_of(done, "text") + "\n");
  }

  // A job by its own id, or by its run's and the architecture; a run with one job needs none.
  std::string job_named() {
    if (options_.arch.empty() && ask("GET", "/api/v1/jobs/" + options_.what).status == 200) return options_.what;
    const json jobs = get("/api/v1/runs/" + options_.what)["jobs"];
    for (const json& job : jobs)
      if (job["arch"] == options_.arch || (options_.arch.empty() && jobs.size() == 1)) return job["id"];
    throw Unusable(options_.arch.empty() ? "the run has several jobs: name one with --arch"
                                         : "the run has no job of " + options_.arch);
  }

  Options options_;
  Server server_;
};

using Command = void (Asker::*)();

int ask(const Options& options, Command command) {
  try {
    Asker asker(options);
    (asker.*command)();
    return 0;
  } catch (const Refused& refused) {
    fmt::print(stderr, "smgate-runner: {}\n", refused.what());
    return kRefused;
  } catch (const Unusable& error) {
    fmt::print(stderr, "smgate-runner: {}\n", error.what());
    return kUnusable;
  }
}

}  // namespace

void add_ask_commands(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* about, Command method) {
    CLI::App* command = app.add_subcommand(name, about);
    command->add_option("--server", options->server, "Its address")->envname("SMGATE_SERVER")->capture_default_str();
    command->add_option("--ca-file", options->ca_file, "Certificates to trust, PEM; the system's where absent");
    command->add_flag("--json", options->json, "What the API says (schemas/openapi.yaml)");
    command->footer("A token, where one is needed, is read from SMGATE_TOKEN.");
    command->callback([options, method, &exit_code] { exit_code = ask(*options, method); });
    return command;
  };
  const auto add_what = [&](CLI::App* command, const char* about) {
    return command->add_option("ID", options->what, about);
  };
  const auto add_arch = [&](CLI::App* command) {
    command->add_option("--arch", options->arch, "The job of this architecture");
  };
  add("status", "Show branches, runners and what waits", &Asker::status);
  CLI::App* runs = add("runs", "List runs, the newest first", &Asker::runs);
  runs->add_option("--repository", options->repository, "owner/name");
  runs->add_option("--branch", options->branch, "Of the head");
  runs->add_option("--verdict", options->verdict, "pass, fail or inconclusive");
  runs->add_option("--limit", options->limit, "How many")->check(CLI::Range(1, 100))->capture_default_str();
  CLI::App* logs = add("logs", "Print a job's log", &Asker::logs);
  add_what(logs, "A job, or a run")->required();
  add_arch(logs);
  logs->add_option("--stage", options->stage, "Only this stage's part");
  logs->add_flag("-f,--follow", options->follow, "Go on until the job is over");
  CLI::App* rerun = add("rerun", "Run a run again, or one of its jobs", &Asker::rerun);
  add_what(rerun, "The run")->required();
  add_arch(rerun);
  add_what(add("cancel", "Stop a run that is not over", &Asker::cancel), "The run")->required();
  add_what(add("explain", "Say why a run failed, and what to do", &Asker::explain_run),
           "The run; the last that failed where absent");
}

}  // namespace smgate::ask
