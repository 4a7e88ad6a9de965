#include "grader/elf_imports.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <string>

namespace workbench {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kGetenv[] = "harness/testing/calls_getenv.so";
constexpr char kMpi[] = "harness/testing/calls_mpi.so";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Reads symbols of a file with this content.
Result<DynamicSymbols> ReadBytes(const std::string& content) {
  const std::string path = testing::TempDir() + "elf_imports_test.so";
  std::ofstream(path, std::ios::binary) << content;
  return ReadDynamicSymbols(path);
}

TEST(ReadDynamicSymbolsTest, TellsImportsFromExports) {
  Result<DynamicSymbols> symbols = ReadDynamicSymbols(kGetenv);
  ASSERT_TRUE(symbols.ok()) << symbols.status().message();
  EXPECT_THAT(symbols->imports, Contains(StartsWith("getenv")));
  EXPECT_THAT(symbols->exports, Contains("q00_home"));
  EXPECT_THAT(symbols->exports, Not(Contains(StartsWith("getenv"))));
  EXPECT_EQ(FindForbiddenImport(*symbols), "");
}

TEST(ReadDynamicSymbolsTest, FindsAnMpiCallThatNoLibraryProvides) {
  Result<DynamicSymbols> symbols = ReadDynamicSymbols(kMpi);
  ASSERT_TRUE(symbols.ok()) << symbols.status().message();
  EXPECT_THAT(FindForbiddenImport(*symbols), StartsWith("MPI_Send ("));
}

TEST(ReadDynamicSymbolsTest, AMissingFileIsAnErrorThatNamesIt) {
  Result<DynamicSymbols> symbols = ReadDynamicSymbols("no/such/file.so");
  ASSERT_FALSE(symbols.ok());
  EXPECT_THAT(symbols.status().message(), HasSubstr("no/such/file.so"));
}

TEST(ReadDynamicSymbolsTest, WhatIsNoSharedObjectIsAnError) {
  const std::string whole = ReadFile(kGetenv);
  for (const std::string& content :
       {std::string(),
        std::string("\x7f"
                    "ELF"),
        std::string("#!/bin/sh\nexit 0\n"), std::string(4096, '\0'), std::string(4096, '\xff'), whole.substr(0, 63),
        whole.substr(0, 64), whole.substr(0, whole.size() / 2), whole.substr(0, whole.size() - 1)}) {
    Result<DynamicSymbols> symbols = ReadBytes(content);
    ASSERT_FALSE(symbols.ok()) << content.size();
    EXPECT_THAT(symbols.status().message(), HasSubstr("not a 64-bit little-endian ELF"));
  }
}

TEST(ReadDynamicSymbolsTest, AnotherWordSizeOrByteOrderIsAnError) {
  for (const auto& [at, value] : {std::pair(EI_CLASS, ELFCLASS32), std::pair(EI_DATA, ELFDATA2MSB)}) {
    std::string content = ReadFile(kGetenv);
    content[static_cast<size_t>(at)] = static_cast<char>(value);
    EXPECT_FALSE(ReadBytes(content).ok());
  }
}

TEST(ReadDynamicSymbolsTest, OffsetsThatWrapAroundAreErrors) {
  std::string content = ReadFile(kGetenv);
  Elf64_Ehdr header;
  std::memcpy(&header, content.data(), sizeof header);
  for (const uint64_t offset : {~uint64_t{0}, ~uint64_t{63}, uint64_t{1} << 63, uint64_t{content.size()}}) {
    header.e_shoff = offset;
    std::string edited = content;
    std::memcpy(edited.data(), &header, sizeof header);
    EXPECT_FALSE(ReadBytes(edited).ok()) << offset;
  }
}

// Never a crash; whether a damaged file is an error or merely reads differently is not the point.
TEST(ReadDynamicSymbolsTest, SurvivesRandomDamage) {
  const std::string whole = ReadFile(kGetenv);
  Elf64_Ehdr header;
  std::memcpy(&header, whole.data(), sizeof header);
  std::mt19937 random(20240229);
  int errors = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string content = whole;
    if (i % 4 == 0) {
      content.resize(random() % whole.size());
    } else {
      // Half of the damage goes where it matters: the ELF header and the section headers.
      const int flips = 1 + static_cast<int>(random() % 8);
      for (int flip = 0; flip < flips; ++flip) {
        size_t at = random() % content.size();
        if (random() % 4 == 0) at = random() % sizeof header;
        if (random() % 4 == 1) at = header.e_shoff + random() % (content.size() - header.e_shoff);
        content[at] = static_cast<char>(content[at] ^ (1 << random() % 8));
      }
    }
    Result<DynamicSymbols> symbols = ReadBytes(content);
    errors += !symbols.ok();
    if (symbols.ok()) (void)FindForbiddenImport(*symbols);
  }
  EXPECT_GT(errors, 500);
}

TEST(FindForbiddenImportTest, KnowsPrefixesAndWholeNames) {
  const auto verdict = [](const std::string& name) { return FindForbiddenImport({{"malloc", name}, {}}); };
  for (const char* name : {"MPI_Allreduce", "PMPI_Send", "ompi_mpi_comm_world", "ncclAllReduce", "pncclSend", "dlopen",
                           "dlsym", "shm_open", "process_vm_readv", "ptrace", "nvshmem_malloc"}) {
    EXPECT_THAT(verdict(name), StartsWith(std::string(name) + " (")) << name;
  }
  for (const char* name : {"memcpy", "dl_iterate_phdr", "shm_opener", "my_MPI_Send", "pthread_create", ""}) {
    EXPECT_EQ(verdict(name), "") << name;
  }
  EXPECT_EQ(FindForbiddenImport({{}, {"MPI_Send"}}), "");  // an export is no import
}

}  // namespace
}  // namespace workbench
