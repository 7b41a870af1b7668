// `smgate-runner status | runs | logs | rerun | cancel | explain`: what a server knows, on a terminal, by its API
// (schemas/openapi.yaml). Called by main; one thread.
#pragma once

namespace CLI {
class App;
}

namespace smgate::ask {

// Exit codes: 0 done, 1 the server refused or does not have it, 2 usage or no server.
void add_ask_commands(CLI::App& app, int& exit_code);

}  // namespace smgate::ask
