// The web page: its files under /assets, and index.html at every address that the page knows how to show (the script
// reads the address and asks the API). Handlers run on the network thread; nothing here has state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/router.hpp"

namespace smgate::dashboard {

// One for each kind of address of the page, and the assets.
std::vector<http::Route> page_routes();

// What a browser sees where nothing is served: the page, which says so, as 404. Others are left to the API's own 404.
std::optional<http::Response> answer_with_page(http::Request request);

}  // namespace smgate::dashboard
