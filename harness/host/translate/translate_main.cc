// cuda_translate --out=x.cc --source=a/b.cu [--compiler=g++] [--own_headers=harness/host/include/] -- [compiler flags]
//
// Runs the compiler's preprocessor on a .cu file and writes it as C++. The result needs no include paths: all headers
// are in it.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "harness/host/translate/translate.h"

extern char** environ;

namespace {

struct Options {
  std::string out;
  std::string source;
  std::string compiler = "g++";
  std::string own_headers = "harness/host/include/";
  std::vector<std::string> flags;
};

struct Output {
  int status = 127;
  std::string out;
  std::string err;
};

bool Parse(int argc, char** argv, Options* options) {
  const std::pair<std::string_view, std::string*> known[] = {{"--out=", &options->out},
                                                             {"--source=", &options->source},
                                                             {"--compiler=", &options->compiler},
                                                             {"--own_headers=", &options->own_headers}};
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--") {
      options->flags.assign(argv + i + 1, argv + argc);
      break;
    }
    bool found = false;
    for (const auto& [name, value] : known) {
      if (argument.substr(0, name.size()) != name) continue;
      *value = argument.substr(name.size());
      found = true;
    }
    if (!found) {
      std::cerr << "cuda_translate: unknown argument " << argument << "\n";
      return false;
    }
  }
  return !options->out.empty() && !options->source.empty();
}

// Runs a program and keeps what it writes.
Output Run(const std::vector<std::string>& command) {
  Output output;
  int pipes[2][2];
  if (pipe2(pipes[0], O_CLOEXEC) != 0 || pipe2(pipes[1], O_CLOEXEC) != 0) {
    output.err = std::string("cuda_translate: pipe: ") + std::strerror(errno) + "\n";
    return output;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes[0][1], 1);
  posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 2);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipes[0][1]);
  close(pipes[1][1]);
  std::string* const texts[2] = {&output.out, &output.err};
  pollfd sources[2] = {{pipes[0][0], POLLIN, 0}, {pipes[1][0], POLLIN, 0}};
  std::vector<char> buffer(size_t{1} << 16);
  while (sources[0].fd >= 0 || sources[1].fd >= 0) {
    if (poll(sources, 2, -1) < 0 && errno != EINTR) break;
    for (int i = 0; i < 2; ++i) {
      if (sources[i].fd < 0 || sources[i].revents == 0) continue;
      const ssize_t got = read(sources[i].fd, buffer.data(), buffer.size());
      if (got > 0) {
        texts[i]->append(buffer.data(), static_cast<size_t>(got));
      } else if (got == 0 || errno != EINTR) {
        close(sources[i].fd);
        sources[i].fd = -1;
      }
    }
  }
  if (error != 0) {
    output.err = "cuda_translate: cannot run " + command[0] + ": " + std::strerror(error) + "\n";
    return output;
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return output;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!Parse(argc, argv, &options)) {
    std::cerr << "usage: cuda_translate --out=x.cc --source=a/b.cu [--compiler=g++] [--own_headers=PART_OF_PATH] -- "
                 "[compiler flags]\n";
    return 2;
  }
  std::remove(options.out.c_str());
  // The second header takes macros away that the translator wants to see.
  std::vector<std::string> command = {options.compiler,
                                      "-E",
                                      "-x",
                                      "c++",
                                      "-std=c++20",
                                      "-D__CUDACC__=1",
                                      "-DWORKBENCH_HOST_MODE=1",
                                      "-include",
                                      "cuda_runtime.h",
                                      "-include",
                                      "cuda_host/translated.h"};
  command.insert(command.end(), options.flags.begin(), options.flags.end());
  command.push_back(options.source);
  const Output preprocessed = Run(command);
  std::cerr << preprocessed.err;
  if (preprocessed.status != 0) {
    std::cerr << cuda_host::translate::HintsFor(preprocessed.err);
    return 1;
  }
  const cuda_host::translate::Translation translation =
      cuda_host::translate::Translate(preprocessed.out, options.own_headers);
  for (const std::string& error : translation.errors) std::cerr << error << "\n";
  if (!translation.errors.empty()) return 1;
  std::ofstream out(options.out, std::ios::binary);
  out << translation.text;
  out.close();
  if (!out) {
    std::cerr << "cuda_translate: cannot write " << options.out << "\n";
    std::remove(options.out.c_str());
    return 1;
  }
  return 0;
}
