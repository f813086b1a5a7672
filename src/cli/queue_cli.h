// What `parley queue` and `parley topic` are called and what they take.
#pragma once

namespace CLI {
class App;
}

namespace parley::cli {

void add_queue(CLI::App& app, int& exit_code);
void add_topic(CLI::App& app, int& exit_code);

}  // namespace parley::cli
