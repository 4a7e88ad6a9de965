#include "grader/elf_imports.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

namespace workbench {
namespace {

struct Rule {
  const char* prefix;
  bool whole;  // the name itself, not just its beginning
  const char* why;
};

constexpr Rule kRules[] = {
    {"MPI_", false, "an MPI call: messages go through the transport"},
    {"PMPI_", false, "an MPI call: messages go through the transport"},
    {"ompi_", false, "Open MPI's internals: messages go through the transport"},
    {"nccl", false, "an NCCL call: the collective is what the question asks for"},
    {"pnccl", false, "an NCCL call: the collective is what the question asks for"},
    {"nvshmem", false, "an NVSHMEM call: the collective is what the question asks for"},
    {"dlopen", true, "the dynamic loader"},
    {"dlmopen", true, "the dynamic loader"},
    {"dlsym", true, "the dynamic loader"},
    {"dlvsym", true, "the dynamic loader"},
    {"shm_open", true, "shared memory outside of what the question gives"},
    {"shmget", true, "shared memory outside of what the question gives"},
    {"process_vm_readv", true, "another process's memory"},
    {"process_vm_writev", true, "another process's memory"},
    {"ptrace", true, "another process's memory"},
};

}  // namespace

Result<DynamicSymbols> ReadDynamicSymbols(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error("cannot read " + path);
  const std::vector<char> data((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const Status garbage = Error(path + " is not a 64-bit little-endian ELF shared object");
  const auto fits = [&](uint64_t offset, uint64_t bytes) {
    return offset <= data.size() && bytes <= data.size() - offset;
  };
  Elf64_Ehdr header;
  if (!fits(0, sizeof header)) return garbage;
  std::memcpy(&header, data.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_shentsize != sizeof(Elf64_Shdr) ||
      !fits(header.e_shoff, uint64_t{header.e_shnum} * sizeof(Elf64_Shdr))) {
    return garbage;
  }
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  std::memcpy(sections.data(), data.data() + header.e_shoff, sections.size() * sizeof(Elf64_Shdr));
  DynamicSymbols symbols;
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_DYNSYM || section.sh_link >= sections.size()) continue;
    const Elf64_Shdr& strings = sections[section.sh_link];
    if (!fits(section.sh_offset, section.sh_size) || !fits(strings.sh_offset, strings.sh_size)) return garbage;
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= section.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      std::memcpy(&symbol, data.data() + section.sh_offset + at, sizeof symbol);
      if (symbol.st_name == 0 || symbol.st_name >= strings.sh_size) continue;
      const char* begin = data.data() + strings.sh_offset + symbol.st_name;
      const std::string name(begin, strnlen(begin, strings.sh_size - symbol.st_name));
      (symbol.st_shndx == SHN_UNDEF ? symbols.imports : symbols.exports).push_back(name);
    }
  }
  return symbols;
}

std::string FindForbiddenImport(const DynamicSymbols& symbols) {
  for (const std::string& name : symbols.imports) {
    for (const Rule& rule : kRules) {
      const bool match = rule.whole ? name == rule.prefix : name.rfind(rule.prefix, 0) == 0;
      if (match) return name + " (" + rule.why + ")";
    }
  }
  return "";
}

}  // namespace workbench
