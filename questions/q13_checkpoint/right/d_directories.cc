// Odd but right: a directory for each checkpoint, and a file `current` that says which one counts. A tensor is cut at
// every place where some box begins or ends, in each dimension, into the cells of a grid; each cell into units of 16
// KiB, which its holders write in turn. Loading puts a cell together as far as it is wanted, then copies. Every rank
// reads `current` and the index itself.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include "questions/q13_checkpoint/api.h"
#include "solutions/q13_checkpoint/commit.h"

using q13::Bytes;
using q13::Decoder;
using q13::Digest;
using q13::Encoder;
using q13::File;
using q13::Group;
using q13::Io;
using q13::kDamaged;
using q13::kInvalid;
using q13::kNotFound;
using q13::kRankLost;
using q13::Message;
using q13::OpenMode;
using q13::Slice;
using q13::TensorInfo;

namespace {

using Numbers = std::vector<int64_t>;

constexpr uint64_t kMagic = q13::Magic("q13ddir1");
constexpr int64_t kUnit = q13::kShardChunk / 4;

void PutAll(Encoder* out, const Numbers& numbers) {
  out->Put<uint64_t>(numbers.size());
  for (const int64_t number : numbers) out->Put(number);
}

Numbers GetAll(Decoder* in) {
  Numbers numbers(in->GetCount(sizeof(int64_t)));
  for (int64_t& number : numbers) number = in->Get<int64_t>();
  return numbers;
}

// ---- Boxes

struct Region {
  Numbers begin;
  Numbers end;
};

Region RegionOf(const Slice& slice) {
  Region region{slice.begin, slice.begin};
  for (size_t d = 0; d < slice.begin.size(); ++d) region.end[d] += slice.extent[d];
  return region;
}

int64_t Volume(const Region& region) {
  int64_t volume = 1;
  for (size_t d = 0; d < region.begin.size(); ++d) volume *= std::max<int64_t>(region.end[d] - region.begin[d], 0);
  return volume;
}

Region Common(const Region& a, const Region& b) {
  Region common = a;
  for (size_t d = 0; d < a.begin.size(); ++d) {
    common.begin[d] = std::max(a.begin[d], b.begin[d]);
    common.end[d] = std::min(a.end[d], b.end[d]);
  }
  return common;
}

// The element `index` of a region, as its place in the tensor; and back.
Numbers PlaceIn(const Region& region, int64_t index) {
  Numbers place(region.begin.size());
  for (size_t d = place.size(); d-- > 0;) {
    const int64_t extent = region.end[d] - region.begin[d];
    place[d] = region.begin[d] + index % extent;
    index /= extent;
  }
  return place;
}

int64_t IndexIn(const Region& region, const Numbers& place) {
  int64_t index = 0;
  for (size_t d = 0; d < place.size(); ++d) {
    if (place[d] < region.begin[d] || place[d] >= region.end[d]) return -1;
    index = index * (region.end[d] - region.begin[d]) + place[d] - region.begin[d];
  }
  return index;
}

// Calls use(place, elements) for each row of the last dimension.
template <typename Use>
void ForEachRow(const Region& region, const Use& use) {
  const int64_t row = region.begin.empty() ? 1 : region.end.back() - region.begin.back();
  for (int64_t element = 0; element < Volume(region); element += row) use(PlaceIn(region, element), row);
}

// Copies what two regions share, out of the memory of the one into that of the other.
void Copy(const Region& from, const std::byte* source, const Region& to, std::byte* target, int64_t size) {
  ForEachRow(Common(from, to), [&](const Numbers& place, int64_t row) {
    std::memcpy(target + IndexIn(to, place) * size, source + IndexIn(from, place) * size,
                static_cast<size_t>(row * size));
  });
}

// ---- What there is

struct Unit {
  int64_t rank = 0;
  int64_t offset = 0;  // in the rank's file
  Digest sum;
};

struct Cell {
  Region region;
  std::vector<Unit> units;
};

struct Tensor {
  TensorInfo info;
  std::vector<Cell> cells;
};
using Index = std::map<std::string, Tensor>;

int64_t UnitElements(const TensorInfo& info) { return kUnit / q13::TypeBytes(info.type); }
int64_t UnitCount(const TensorInfo& info, const Region& region) {
  return (Volume(region) + UnitElements(info) - 1) / UnitElements(info);
}

bool Plain(const Slice& slice) {
  int64_t bytes;
  if (!q13::TensorBytes(slice.info, &bytes)) return false;
  const size_t dimensions = slice.info.shape.size();
  if (slice.begin.size() != dimensions || slice.extent.size() != dimensions) return false;
  for (size_t d = 0; d < dimensions; ++d) {
    if (slice.begin[d] < 0 || slice.extent[d] < 0 || slice.begin[d] > slice.info.shape[d]) return false;
    if (slice.extent[d] > slice.info.shape[d] - slice.begin[d]) return false;
  }
  return true;
}

// Cuts all tensors into cells and says who writes which unit. boxes[rank] is in the order of that rank's slices.
bool MakeIndex(const std::vector<std::vector<std::pair<std::string, Slice>>>& boxes, Index* index) {
  struct Found {
    TensorInfo info;
    std::vector<std::pair<int64_t, Region>> regions;
  };
  std::map<std::string, Found> tensors;
  for (size_t rank = 0; rank < boxes.size(); ++rank) {
    for (const auto& [name, slice] : boxes[rank]) {
      if (!tensors.contains(name)) tensors[name].info = slice.info;
      Found& found = tensors[name];
      if (found.info.type != slice.info.type || found.info.shape != slice.info.shape) return false;
      found.regions.emplace_back(static_cast<int64_t>(rank), RegionOf(slice));
    }
  }
  std::vector<int64_t> ends(boxes.size());
  size_t turn = 0;
  for (const auto& [name, found] : tensors) {
    Tensor& tensor = (*index)[name];
    tensor.info = found.info;
    std::vector<std::set<int64_t>> cuts(found.info.shape.size());
    std::erase_if(tensors[name].regions, [](const auto& region) { return Volume(region.second) == 0; });
    for (const auto& [rank, region] : found.regions) {
      for (size_t d = 0; d < cuts.size(); ++d) cuts[d].insert({region.begin[d], region.end[d]});
    }
    std::vector<Region> cells = {{}};
    for (const std::set<int64_t>& places : cuts) {
      std::vector<Region> longer;
      for (const Region& cell : cells) {
        for (auto at = places.begin(); at != places.end() && std::next(at) != places.end(); ++at) {
          longer.push_back(cell);
          longer.back().begin.push_back(*at);
          longer.back().end.push_back(*std::next(at));
        }
      }
      cells = std::move(longer);
    }
    for (const Region& region : cells) {
      std::set<int64_t> holders;
      for (const auto& [rank, box] : found.regions) {
        if (IndexIn(box, region.begin) >= 0) holders.insert(rank);
      }
      if (holders.empty()) continue;
      Cell cell{region, {}};
      const std::vector<int64_t> order(holders.begin(), holders.end());
      const int64_t size = q13::TypeBytes(tensor.info.type);
      for (int64_t left = Volume(region); left > 0; left -= UnitElements(tensor.info)) {
        const int64_t rank = order[turn++ % order.size()];
        cell.units.push_back({rank, ends[static_cast<size_t>(rank)], {}});
        ends[static_cast<size_t>(rank)] += std::min(left, UnitElements(tensor.info)) * size;
      }
      tensor.cells.push_back(std::move(cell));
    }
  }
  return true;
}

Bytes PackIndex(const Index& index) {
  Encoder out;
  for (const auto& [name, tensor] : index) {
    out.PutText(name);
    q13::PutInfo(&out, tensor.info);
    out.Put<uint64_t>(tensor.cells.size());
    for (const Cell& cell : tensor.cells) {
      PutAll(&out, cell.region.begin);
      PutAll(&out, cell.region.end);
      for (const Unit& unit : cell.units) out.Put(unit);
    }
  }
  return out.Take();
}

bool UnpackIndex(const Bytes& bytes, Index* index) {
  Decoder in(bytes);
  while (in.ok() && !in.done()) {
    Tensor& tensor = (*index)[in.GetText()];
    tensor.info = q13::GetInfo(&in);
    for (auto cells = in.Get<uint64_t>(); cells > 0 && in.ok(); --cells) {
      Cell cell;
      cell.region.begin = GetAll(&in);
      cell.region.end = GetAll(&in);
      if (!in.ok()) return false;
      const int64_t units = UnitCount(tensor.info, cell.region);
      for (int64_t unit = 0; unit < units && in.ok(); ++unit) cell.units.push_back(in.Get<Unit>());
      tensor.cells.push_back(std::move(cell));
    }
  }
  return in.ok();
}

// ---- Files

struct Place {
  Io* io;
  Group* group;
  std::string directory;

  std::string Path(const std::string& name) const { return directory.empty() ? name : directory + "/" + name; }

  int Write(const std::string& path, const Bytes& bytes) const {
    std::unique_ptr<File> file;
    int error = q13::CreateFile(io, path, &file);
    if (error == 0) error = q13::WriteAll(file.get(), 0, bytes.data(), static_cast<int64_t>(bytes.size()));
    return error == 0 ? file->Sync() : error;
  }

  int Read(const std::string& path, Bytes* bytes) const {
    Bytes frame;
    const int error = q13::ReadFile(io, path, 32 << 20, &frame);
    if (error != 0) return error;
    return q13::Unseal(kMagic, frame, bytes) ? 0 : kDamaged;
  }

  // kNotFound: there is no checkpoint.
  int Current(std::string* number) const {
    Bytes bytes;
    const int error = Read(Path("current"), &bytes);
    number->assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return error == -ENOENT ? kNotFound : error;
  }

  // Every directory but that one; `current` counts only when it is durable.
  void Tidy() const {
    std::string kept;
    std::vector<std::string> names;
    const int error = Current(&kept);
    if ((error != 0 && error != kNotFound) || io->SyncDirectory(directory) != 0) return;
    if (io->List(directory, &names) != 0) return;
    for (const std::string& name : names) {
      if (name == "current.new") io->Remove(Path(name));
      std::vector<std::string> inside;
      const bool digits = name.find_first_not_of("0123456789") == std::string::npos;
      if (!digits || name == kept || io->List(Path(name), &inside) != 0) continue;
      for (const std::string& file : inside) io->Remove(Path(name + "/" + file));
      io->Remove(Path(name));
    }
  }

  // A new directory, under a number that is not in use.
  int Begin(int64_t* number) const {
    Tidy();
    std::vector<std::string> names;
    if (const int error = io->List(directory, &names); error != 0) return error;
    for (*number = 1; std::find(names.begin(), names.end(), std::to_string(*number)) != names.end();) ++*number;
    const int error = io->MakeDirectory(Path(std::to_string(*number)));
    return error == 0 ? io->SyncDirectory(directory) : error;
  }

  // The first rank's status that is not 0.
  int Exchange(int status, Bytes mine, std::vector<Message>* all) const {
    return q13::Exchange(group, {status, std::move(mine)}, all) ? q13::FirstError(*all) : kRankLost;
  }
};

// This rank's units, one after the other, out of whichever slice has the whole cell.
Bytes Collect(Index* index, int64_t rank, std::span<const Slice> slices) {
  Encoder data;
  for (auto& [name, tensor] : *index) {
    const int64_t size = q13::TypeBytes(tensor.info.type);
    for (Cell& cell : tensor.cells) {
      const auto slice = std::find_if(slices.begin(), slices.end(), [&, &wanted = name](const Slice& one) {
        return one.name == wanted && IndexIn(RegionOf(one), cell.region.begin) >= 0;
      });
      if (slice == slices.end()) continue;
      Bytes whole(static_cast<size_t>(Volume(cell.region) * size));
      Copy(RegionOf(*slice), static_cast<const std::byte*>(slice->data), cell.region, whole.data(), size);
      for (size_t unit = 0; unit < cell.units.size(); ++unit) {
        if (cell.units[unit].rank != rank) continue;
        const std::byte* from = whole.data() + unit * kUnit;
        const size_t bytes = std::min<size_t>(kUnit, whole.size() - unit * kUnit);
        cell.units[unit].sum = q13::DigestOf(from, bytes);
        data.Append(from, bytes);
      }
    }
  }
  return data.Take();
}

int Save(const Place& place, std::span<const Slice> slices) {
  const int64_t rank = place.group->rank();
  int64_t number = 0;
  int status = std::all_of(slices.begin(), slices.end(), Plain) ? 0 : kInvalid;
  if (status == 0 && rank == 0) status = place.Begin(&number);
  Encoder mine;
  mine.Put(number);
  mine.Put<uint64_t>(slices.size());
  for (const Slice& slice : slices) {
    mine.PutText(slice.name);
    q13::PutInfo(&mine, slice.info);
    PutAll(&mine, slice.begin);
    PutAll(&mine, slice.extent);
  }
  std::vector<Message> all;
  if (const int error = place.Exchange(status, mine.Take(), &all); error != 0) return error;

  std::vector<std::vector<std::pair<std::string, Slice>>> boxes(all.size());
  number = Decoder(all[0].body).Get<int64_t>();
  for (size_t of = 0; of < all.size(); ++of) {
    Decoder in(all[of].body);
    in.Get<int64_t>();
    for (auto left = in.Get<uint64_t>(); left > 0 && in.ok(); --left) {
      Slice slice;
      slice.name = in.GetText();
      slice.info = q13::GetInfo(&in);
      slice.begin = GetAll(&in);
      slice.extent = GetAll(&in);
      boxes[of].emplace_back(slice.name, slice);
    }
  }
  Index index;
  if (!MakeIndex(boxes, &index)) return kInvalid;  // on all ranks
  const std::string name = std::to_string(number);
  status = place.Write(place.Path(name + "/" + std::to_string(rank)), Collect(&index, rank, slices));
  if (status == 0) status = place.io->SyncDirectory(place.Path(name));
  Encoder sums;
  for (const auto& [tensor_name, tensor] : index) {
    for (const Cell& cell : tensor.cells) {
      for (const Unit& unit : cell.units) {
        if (unit.rank == rank) sums.Put(unit.sum);
      }
    }
  }
  status = place.Exchange(status, sums.Take(), &all);
  if (status == kRankLost) return status;
  if (rank == 0) {
    std::vector<Decoder> in;
    for (const Message& one : all) in.emplace_back(one.body);
    for (auto& [tensor_name, tensor] : index) {
      for (Cell& cell : tensor.cells) {
        for (Unit& unit : cell.units) unit.sum = in[static_cast<size_t>(unit.rank)].Get<Digest>();
      }
    }
    Encoder current;
    current.Append(name.data(), name.size());
    if (status == 0) status = place.Write(place.Path(name + "/index"), q13::Seal(kMagic, PackIndex(index)));
    if (status == 0) status = place.io->SyncDirectory(place.Path(name));
    if (status == 0) status = place.Write(place.Path("current.new"), q13::Seal(kMagic, current.bytes()));
    if (status == 0) status = place.io->Rename(place.Path("current.new"), place.Path("current"));
    if (status == 0) status = place.io->SyncDirectory(place.directory);
    if (status == 0) place.Tidy();
  }
  return place.Exchange(status, {}, &all);
}

int Fill(const Place& place, std::span<const Slice> slices) {
  std::string number;
  if (const int error = place.Current(&number); error != 0) return error;
  Bytes bytes;
  Index index;
  int error = place.Read(place.Path(number + "/index"), &bytes);
  if (error == 0 && !UnpackIndex(bytes, &index)) error = kDamaged;
  if (error != 0) return error == -ENOENT ? kDamaged : error;
  for (const Slice& slice : slices) {
    if (!index.contains(slice.name)) return kNotFound;
    const TensorInfo& info = index[slice.name].info;
    if (info.type != slice.info.type || info.shape != slice.info.shape) return kInvalid;
  }
  std::map<int64_t, std::unique_ptr<File>> files;
  for (const auto& [name, tensor] : index) {
    std::vector<const Slice*> wanted;
    for (const Slice& slice : slices) {
      if (slice.name == name) wanted.push_back(&slice);
    }
    const int64_t size = q13::TypeBytes(tensor.info.type);
    for (const Cell& cell : tensor.cells) {
      std::set<int64_t> units;
      for (const Slice* slice : wanted) {
        ForEachRow(Common(cell.region, RegionOf(*slice)), [&](const Numbers& at, int64_t row) {
          const int64_t first = IndexIn(cell.region, at) * size;
          for (int64_t unit = first / kUnit; unit <= (first + row * size - 1) / kUnit; ++unit) units.insert(unit);
        });
      }
      if (units.empty()) continue;
      Bytes whole(static_cast<size_t>(Volume(cell.region) * size));
      for (const int64_t number_of : units) {
        const Unit& unit = cell.units[static_cast<size_t>(number_of)];
        std::byte* to = whole.data() + number_of * kUnit;
        const int64_t unit_bytes = std::min(kUnit, static_cast<int64_t>(whole.size()) - number_of * kUnit);
        std::unique_ptr<File>& file = files[unit.rank];
        const std::string path = place.Path(number + "/" + std::to_string(unit.rank));
        if (file == nullptr) error = q13::OpenFile(place.io, path, OpenMode::kRead, &file);
        if (error == 0) error = q13::ReadAll(file.get(), unit.offset, to, unit_bytes);
        if (error == 0 && q13::DigestOf(to, static_cast<size_t>(unit_bytes)) != unit.sum) error = kDamaged;
        if (error != 0) return error == -ENOENT ? kDamaged : error;
      }
      for (const Slice* slice : wanted) {
        Copy(cell.region, whole.data(), RegionOf(*slice), static_cast<std::byte*>(slice->data), size);
      }
    }
  }
  return 0;
}

}  // namespace

extern "C" int q13_shard_save(Io* io, Group* group, const std::string& directory, std::span<const Slice> slices) {
  return Save({io, group, directory}, slices);
}

extern "C" int q13_shard_load(Io* io, Group* group, const std::string& directory, std::span<const Slice> slices) {
  const Place place{io, group, directory};
  const bool plain = std::all_of(slices.begin(), slices.end(), Plain);
  std::vector<Message> all;
  return place.Exchange(plain ? Fill(place, slices) : kInvalid, {}, &all);
}
