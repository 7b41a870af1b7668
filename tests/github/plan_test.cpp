#include "server/sender/plan.hpp"

#include <gtest/gtest.h>

#include "server/sender/bodies.hpp"
#include "tests/github/all_requests.hpp"

namespace smgate::sender {
namespace {

using nlohmann::json;
using store::BodyCut;
using store::CallKind;
using test::full_check;
using test::task_of;

constexpr std::int64_t kNow_ms = 1'779'253'530'000;

TEST(FirstStep, CreatesACheckRunOnceAndUpdatesItThen) {
  const auto body = full_check("queued", "");
  EXPECT_EQ(std::get<Act>(first_step(task_of(CallKind::set_check, body))).request.method, "POST");
  const auto update = std::get<Act>(first_step(task_of(CallKind::set_check, body, true))).request;
  EXPECT_EQ(update.method, "PATCH");
  EXPECT_EQ(update.path, "/repos/acme/kernels/check-runs/4");
  Task other = task_of(CallKind::set_check, body, true);
  other.call.external_id = "another run";
  EXPECT_EQ(std::get<Act>(first_step(other)).request.method, "POST");
}

TEST(FirstStep, LooksBeforeItRepeatsWhatMayHaveTakenEffect) {
  Task task = task_of(CallKind::set_check, full_check("queued", ""));
  task.call.unsure = true;
  EXPECT_EQ(std::get<Look>(first_step(task)).request.method, "GET");
  const json there{{"check_runs", {{{"id", 8}, {"external_id", "y"}}, {{"id", 9}, {"external_id", "x"}}}}};
  EXPECT_EQ(std::get<Act>(after_look(task, there)).request.path, "/repos/acme/kernels/check-runs/9");
  const json none{{"check_runs", json::array()}};
  EXPECT_EQ(std::get<Act>(after_look(task, none)).request.method, "POST");
}

TEST(FirstStep, WritesNoCommentAndNoAnnotationTwice) {
  Task comment = task_of(CallKind::create_comment, {{"issue_number", 7}, {"body", "why"}});
  comment.call.unsure = true;
  const json said{{{"body", "why\n\n<!-- smgate:x -->"}}};
  EXPECT_TRUE(std::holds_alternative<Finish>(after_look(comment, said)));
  EXPECT_TRUE(std::holds_alternative<Act>(after_look(comment, json::array())));
  Task annotations = task_of(CallKind::add_annotations, test::fifty_annotations(), true);
  annotations.call.unsure = true;
  const auto counted = [](int count) { return json{{"output", {{"annotations_count", count}}}}; };
  EXPECT_EQ(std::get<Finish>(after_look(annotations, counted(50))).check->annotations, 50);
  EXPECT_TRUE(std::holds_alternative<Act>(after_look(annotations, counted(0))));
}

TEST(Conclude, SendsLessAfterEach422AndGivesUpWithTheBareConclusion) {
  Task task = task_of(CallKind::set_check, full_check("completed", "failure"), true);
  const github::Meaning refused = github::Smaller{"422"};
  for (const BodyCut expected : {BodyCut::short_output, BodyCut::bare}) {
    const auto again = std::get<Again>(conclude(task, refused, {}, false, kNow_ms)).retry;
    EXPECT_EQ(again.cut, expected);
    EXPECT_EQ(again.next_ms, kNow_ms);
    task.call.cut = again.cut;
  }
  const auto bare = nlohmann::json::parse(cut_body(task.call.body, BodyCut::bare));
  EXPECT_EQ(bare["conclusion"], "failure");
  EXPECT_FALSE(bare.contains("output"));
  EXPECT_TRUE(std::holds_alternative<GiveUp>(conclude(task, refused, {}, false, kNow_ms)));
}

TEST(Conclude, MakesACheckRunAgainThatGitHubHasDeleted) {
  const Task task = task_of(CallKind::set_check, full_check("completed", "success"), true);
  const auto again = std::get<Again>(conclude(task, github::Missing{"404"}, {404, {}, ""}, false, kNow_ms));
  EXPECT_TRUE(again.forget_check);
  EXPECT_EQ(again.retry.next_ms, kNow_ms);
}

TEST(Conclude, ARateLimitIsNotTheCallsFaultHoweverLongItLasts) {
  Task task = task_of(CallKind::set_check, full_check("queued", ""));
  const std::int64_t late_ms = kNow_ms + 2 * kGiveUpAfter_ms;
  const auto again =
      std::get<Again>(conclude(task, github::Retry{late_ms + 7, "403", false, true}, {}, false, late_ms));
  EXPECT_FALSE(again.retry.counts);
  const github::Meaning down = github::Retry{late_ms + 7, "502", true, false};
  EXPECT_TRUE(std::holds_alternative<GiveUp>(conclude(task, down, {}, false, late_ms)));
  EXPECT_TRUE(std::get<Again>(conclude(task, down, {}, false, kNow_ms)).retry.unsure);
}

TEST(Conclude, ALookThatFailedLeavesTheCallUnsure) {
  const Task task = task_of(CallKind::set_check, full_check("queued", ""));
  for (const github::Meaning& meaning : std::vector<github::Meaning>{github::Retry{kNow_ms, "403", false, true},
                                                                     github::Smaller{"422"}, github::Missing{"404"}})
    EXPECT_TRUE(std::get<Again>(conclude(task, meaning, {}, true, kNow_ms)).retry.unsure);
}

TEST(Conclude, WhatMayHaveTakenEffectIsLookedForUntilItIsKnown) {
  Task task = task_of(CallKind::set_check, full_check("completed", "success"));
  task.call.unsure = true;  // it was looked for, found, and its update refused
  for (const github::Meaning& meaning : std::vector<github::Meaning>{github::Retry{kNow_ms, "403", false, true},
                                                                     github::Smaller{"422"}, github::Missing{"404"}})
    EXPECT_TRUE(std::get<Again>(conclude(task, meaning, {}, false, kNow_ms)).retry.unsure);
}

TEST(Conclude, RemembersWhatGitHubHas) {
  const Task task = task_of(CallKind::set_check, full_check("completed", "success"));
  const auto check = std::get<Finish>(conclude(task, github::Done{}, {201, {}, R"({"id": 77})"}, false, kNow_ms)).check;
  ASSERT_TRUE(check);
  EXPECT_EQ(check->check_run_id, 77);
  EXPECT_EQ(check->conclusion, "success");
}

TEST(StatusBody, SaysTheSameWithACommitStatus) {
  EXPECT_EQ(status_body(full_check("queued", ""))["state"], "pending");
  EXPECT_EQ(status_body(full_check("completed", "success"))["state"], "success");
  EXPECT_EQ(status_body(full_check("completed", "failure"))["state"], "failure");
  EXPECT_EQ(status_body(full_check("completed", "timed_out"))["state"], "error");
  EXPECT_EQ(status_body(full_check("completed", "action_required"))["state"], "pending");
  json check = full_check("completed", "failure");
  check["output"]["title"] = std::string(139, 'x') + "\xC3\xA9";
  EXPECT_EQ(status_body(check)["description"], std::string(139, 'x')) << "GitHub takes 140 characters";
  EXPECT_EQ(status_body(check)["context"], "smgate / sm_89");
  EXPECT_EQ(status_body(check)["target_url"], "https://gate.example/runs/01J");
}

TEST(CutUtf8, NeverCutsACharacter) {
  EXPECT_EQ(cut_utf8("a\xC3\xA9z", 2), "a");
  EXPECT_EQ(cut_utf8("a\xC3\xA9z", 3), "a\xC3\xA9");
  EXPECT_EQ(cut_utf8("abc", 9), "abc");
}

}  // namespace
}  // namespace smgate::sender
