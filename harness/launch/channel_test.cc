#include "harness/launch/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>

namespace workbench {
namespace {

using testing::HasSubstr;

// Two connected sockets.
class ChannelTest : public testing::Test {
 protected:
  ChannelTest() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ours_ = fds[0];
    theirs_ = fds[1];
  }
  ~ChannelTest() override {
    close(ours_);
    CloseTheirs();
  }
  void CloseTheirs() {
    if (theirs_ >= 0) close(theirs_);
    theirs_ = -1;
  }
  void SendBytes(const std::string& bytes) {
    ASSERT_EQ(send(theirs_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  int ours_ = -1;
  int theirs_ = -1;
};

std::string Header(uint32_t magic, uint32_t kind, uint64_t bytes) {
  std::string header(16, '\0');
  std::memcpy(header.data(), &magic, 4);
  std::memcpy(header.data() + 4, &kind, 4);
  std::memcpy(header.data() + 8, &bytes, 8);
  return header;
}
constexpr uint32_t kMagic = 0x57424348;

std::string Frame(MessageKind kind, const std::string& payload) {
  return Header(kMagic, static_cast<uint32_t>(kind), payload.size()) + payload;
}

TEST_F(ChannelTest, WhatIsSentIsReceived) {
  std::string large(100000, 'x');
  large[99999] = 'y';
  for (const std::string& text : {std::string(), std::string("a"), std::string("nul \0 inside", 12), large}) {
    ASSERT_TRUE(SendText(theirs_, MessageKind::kBlocked, text).ok());
    Result<Message> message = ReceiveMessage(ours_);
    ASSERT_TRUE(message.ok()) << message.status().message();
    EXPECT_EQ(message->kind, MessageKind::kBlocked);
    EXPECT_EQ(message->Text(), text);
  }
}

TEST_F(ChannelTest, FramesSplitAtEveryByteArriveWhole) {
  const std::string stream =
      Frame(MessageKind::kReply, "first") + Frame(MessageKind::kReady, "") + Frame(MessageKind::kReply, "third");
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    FrameReader reader;
    std::vector<std::string> texts;
    for (const std::string& piece : {stream.substr(0, cut), stream.substr(cut)}) {
      if (!piece.empty()) SendBytes(piece);
      EXPECT_TRUE(reader.ReadSome(ours_));
      for (Message message; reader.Next(&message);) texts.push_back(message.Text());
    }
    EXPECT_THAT(texts, testing::ElementsAre("first", "", "third")) << cut;
  }
}

TEST_F(ChannelTest, FramesThatComeByteByByteArriveWhole) {
  FrameReader reader;
  int whole = 0;
  for (const char byte : Frame(MessageKind::kReply, "text") + Frame(MessageKind::kReply, "text")) {
    SendBytes(std::string(1, byte));
    ASSERT_TRUE(reader.ReadSome(ours_));
    for (Message message; reader.Next(&message); ++whole) EXPECT_EQ(message.Text(), "text");
  }
  EXPECT_EQ(whole, 2);
}

TEST_F(ChannelTest, ReadingWhatIsNotThereIsNoError) {
  FrameReader reader;
  Message message;
  EXPECT_TRUE(reader.ReadSome(ours_));
  EXPECT_FALSE(reader.Next(&message));
}

TEST_F(ChannelTest, ALargeFrameIsCollectedWhileItIsSent) {
  const std::string text(20 << 20, 'z');
  std::thread sender([&] { EXPECT_TRUE(SendText(theirs_, MessageKind::kReply, text).ok()); });
  FrameReader reader;
  Message message;
  while (!reader.Next(&message)) ASSERT_TRUE(reader.ReadSome(ours_));
  sender.join();
  EXPECT_EQ(message.Text(), text);
}

TEST_F(ChannelTest, GarbageEndsTheStream) {
  const std::string garbage = "this is not what we speak";
  SendBytes(garbage);
  Result<Message> message = ReceiveMessage(ours_);
  ASSERT_FALSE(message.ok());
  EXPECT_THAT(message.status().message(), HasSubstr("not a workbench channel"));

  SendBytes(Frame(MessageKind::kReply, "good") + garbage);
  FrameReader reader;
  Message first;
  (void)reader.ReadSome(ours_);  // takes the remains of the first garbage along
  EXPECT_FALSE(reader.Next(&first));
  EXPECT_FALSE(reader.ReadSome(ours_));
  EXPECT_FALSE(reader.Next(&first));
}

TEST_F(ChannelTest, GarbageBehindAGoodFrameIsFoundWhenItsTurnComes) {
  SendBytes(Frame(MessageKind::kReply, "good") + "this is not what we speak");
  FrameReader reader;
  Message message;
  EXPECT_TRUE(reader.ReadSome(ours_));
  EXPECT_TRUE(reader.Next(&message));
  EXPECT_EQ(message.Text(), "good");
  EXPECT_FALSE(reader.Next(&message));
  EXPECT_FALSE(reader.ReadSome(ours_));
}

// A hostile implementation shares the socket: a length that it makes up must become neither an allocation nor an
// exception.
TEST_F(ChannelTest, AnOversizedLengthEndsTheStream) {
  for (const uint64_t bytes : {~uint64_t{0}, ~uint64_t{0} - 15, uint64_t{1} << 63, (uint64_t{1} << 34) + 1}) {
    const std::string header = Header(kMagic, static_cast<uint32_t>(MessageKind::kReply), bytes);
    SendBytes(header);
    EXPECT_FALSE(ReceiveMessage(ours_).ok());
    SendBytes(header);
    FrameReader reader;
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(reader.ReadSome(ours_));
    Message message;
    EXPECT_FALSE(reader.Next(&message));
  }
}

TEST_F(ChannelTest, APromisedLengthIsNotAllocatedBeforeItComes) {
  SendBytes(Header(kMagic, static_cast<uint32_t>(MessageKind::kReply), uint64_t{1} << 33));
  FrameReader reader;
  Message message;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(reader.ReadSome(ours_));
    EXPECT_FALSE(reader.Next(&message));
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 1 << 20);  // KiB: far below the 8 GiB that were promised
}

TEST_F(ChannelTest, AClosedPeerIsToldApartFromSilence) {
  SendBytes(Frame(MessageKind::kReply, "last words"));
  CloseTheirs();
  FrameReader reader;
  EXPECT_TRUE(reader.ReadSome(ours_));
  EXPECT_FALSE(reader.ReadSome(ours_));
  Message message;
  EXPECT_TRUE(reader.Next(&message));
  EXPECT_EQ(message.Text(), "last words");
  Result<Message> next = ReceiveMessage(ours_);
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.status().message(), "closed");
  // No SIGPIPE either.
  Status sent = Status::Ok();
  for (int i = 0; i < 3 && sent.ok(); ++i) sent = SendText(ours_, MessageKind::kCase, "anyone?");
  EXPECT_FALSE(sent.ok());
}

TEST_F(ChannelTest, APeerThatClosesInTheMiddleOfAFrame) {
  SendBytes(Frame(MessageKind::kReply, "cut off").substr(0, 19));
  CloseTheirs();
  EXPECT_EQ(ReceiveMessage(ours_).status().message(), "closed");
}

// Accepts one connection on `listener`, sends a word through and back.
void ExpectConnects(int listener, const std::string& address) {
  Result<int> connected = Connect(address);
  ASSERT_TRUE(connected.ok()) << connected.status().message();
  const int accepted = accept(listener, nullptr, nullptr);
  ASSERT_GE(accepted, 0);
  EXPECT_TRUE(SendText(*connected, MessageKind::kReady, "there").ok());
  EXPECT_EQ(ReceiveMessage(accepted)->Text(), "there");
  EXPECT_TRUE(SendText(accepted, MessageKind::kQuit, "back").ok());
  EXPECT_EQ(ReceiveMessage(*connected)->Text(), "back");
  close(accepted);
  close(*connected);
}

TEST(ConnectTest, OverAUnixSocket) {
  char folder[] = "/tmp/channel_test.XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/s";
  Result<int> listener = ListenUnix(path);
  ASSERT_TRUE(listener.ok()) << listener.status().message();
  ExpectConnects(*listener, "unix:" + path);
  Result<int> second = ListenUnix(path);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.status().message(), HasSubstr(path));
  close(*listener);
  unlink(path.c_str());
  rmdir(folder);
}

TEST(ConnectTest, OverTcp) {
  std::string address;
  Result<int> listener = ListenTcp("127.0.0.1", &address);
  ASSERT_TRUE(listener.ok()) << listener.status().message();
  EXPECT_THAT(address, testing::StartsWith("127.0.0.1:"));
  ExpectConnects(*listener, address);
  close(*listener);
}

TEST(ConnectTest, WhatCannotBeReachedIsAnErrorThatNamesIt) {
  const std::string long_path = "/tmp/" + std::string(200, 'x');
  EXPECT_THAT(ListenUnix(long_path).status().message(), HasSubstr("too long"));
  EXPECT_THAT(Connect("unix:" + long_path).status().message(), HasSubstr("too long"));
  EXPECT_THAT(Connect("unix:/no/such/socket").status().message(), HasSubstr("/no/such/socket"));
  EXPECT_THAT(Connect("127.0.0.1:1").status().message(), HasSubstr("127.0.0.1:1"));
  EXPECT_THAT(Connect("").status().message(), HasSubstr("not an address"));
}

}  // namespace
}  // namespace workbench
