#include "queue/rabbitmq/link.h"

#include <algorithm>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

namespace parley::queue::rabbitmq {
namespace {

constexpr Duration first_back_off = std::chrono::milliseconds(100);
constexpr Duration longest_back_off = std::chrono::seconds(3);
constexpr Duration connect_time = std::chrono::seconds(5);

}  // namespace

Inbox::Inbox() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
Inbox::~Inbox() { ::close(wake_); }

bool Inbox::post(std::function<void()> work) {
  const std::lock_guard hold(lock_);
  if (closed_) return false;
  posted_.push_back(std::move(work));
  if (posted_.size() == 1) eventfd_write(wake_, 1);
  return true;
}
void Inbox::close(std::function<void()> work) {
  const std::lock_guard hold(lock_);
  closed_ = true;
  posted_.push_back(std::move(work));
  eventfd_write(wake_, 1);
}
std::vector<std::function<void()>> Inbox::take() {
  const std::lock_guard hold(lock_);
  return std::exchange(posted_, {});
}
void Inbox::drain() {
  eventfd_t ignored = 0;
  eventfd_read(wake_, &ignored);
}

Link::Link(Address address, std::string purpose)
    : address_(std::move(address)),
      purpose_(std::move(purpose)),
      away_(Error(Code::unavailable, Blame::upstream, "RabbitMQ: not connected yet").safe_to_retry()) {}

void Link::start() {
  thread_ = std::thread([this] { run(); });
}

void Link::stop() {
  if (!thread_.joinable()) return;
  inbox_->close([this] { stop_ = true; });
  // A broker that takes nothing (its disk is full, it is stopped) must not keep us: five seconds, then we hang up.
  std::atomic<bool> ended = false;
  std::thread breaker([&] {
    for (int i = 0; i < 500 && !ended; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (const int socket = socket_; !ended && socket >= 0) shutdown(socket, SHUT_RDWR);
  });
  thread_.join();
  ended = true;
  breaker.join();
}

void Link::run() {
  while (!stop_) {
    if (!connection_ && Clock::now() >= retry_at_) connect(Clock::now());
    for (auto& work : inbox_->take()) work();
    if (connection()) read_frames();
    Instant next = turn(Clock::now());
    if (connection_ && connection_->is_dead()) break_off();
    if (!connection_) next = std::min(next, retry_at_);
    if (!stop_) wait(next);
  }
  stopping();
  connection_.reset();
  socket_ = -1;
}

void Link::connect(Instant now) {
  auto opened_one = Connection::open(address_, purpose_, connect_time);
  if (opened_one) {
    connection_ = *std::move(opened_one);
    socket_ = connection_->descriptor();
    if (auto ready = opened(*connection_); ready) {
      if (said_) log::info("{}: connected again ({})", address_.text(), purpose_);
      said_ = false;
      back_off_ = {};
      return;
    } else {
      away_ = ready.error();
      socket_ = -1;
      connection_.reset();
    }
  } else {
    away_ = opened_one.error();
  }
  back_off_ = std::clamp(back_off_ * 2, first_back_off, longest_back_off);
  retry_at_ = now + back_off_;
  if (!said_) log::warn("{}: {}; trying again", purpose_, away_.message());
  said_ = true;
}

void Link::break_off() {
  away_ = connection_->why_dead();
  socket_ = -1;
  connection_.reset();
  if (!said_) log::warn("{}: {}; connecting again", purpose_, away_.message());
  said_ = true;
  retry_at_ = Clock::now() + first_back_off;
  lost(away_);
}

void Link::read_frames() {
  while (Connection* c = connection()) {
    auto frame = c->next_frame();
    if (!frame) return;
    if (!*frame) break;
    if ((*frame)->frame_type == AMQP_FRAME_METHOD) method(*c, (*frame)->channel, (*frame)->payload.method);
  }
  if (Connection* c = connection()) c->release_buffers();
}

void Link::wait(Instant until) {
  // The library sends and checks heartbeats only when it is asked for frames.
  if (connection_) until = std::min(until, Clock::now() + address_.heartbeat / 4);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  int milliseconds = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  if (Connection* c = connection(); c != nullptr && c->has_frames()) milliseconds = 0;
  pollfd fds[2] = {{inbox_->descriptor(), POLLIN, 0}, {connection_ ? connection_->descriptor() : -1, POLLIN, 0}};
  poll(fds, 2, milliseconds);
  if (fds[0].revents != 0) inbox_->drain();
}

}  // namespace parley::queue::rabbitmq
