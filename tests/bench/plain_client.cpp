#include "tests/bench/plain_client.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace smgate::bench {
namespace {

constexpr std::size_t kBufferBytes = 4U << 20U;  // larger than any answer that is measured

int must(int result, const char* doing) {
  if (result < 0) throw std::runtime_error(std::string("bench: cannot ") + doing);
  return result;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    bytes.remove_prefix(static_cast<std::size_t>(must(static_cast<int>(sent), "send")));
  }
}

void without_delay(int socket) {
  const int on = 1;
  must(::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "set TCP_NODELAY");
}

}  // namespace

PlainClient::PlainClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)), buffer_(kBufferBytes) {
  const sockaddr_in address = loopback(port);
  must(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), "connect");
  without_delay(socket_);
}

PlainClient::~PlainClient() { ::close(socket_); }

std::size_t PlainClient::ask(const std::string& target) {
  send_all(socket_, "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  std::size_t size = 0;
  for (;;) {
    const ssize_t got = ::recv(socket_, buffer_.data() + size, buffer_.size() - size, 0);
    if (got <= 0) throw std::runtime_error("bench: the answer broke off");
    size += static_cast<std::size_t>(got);
    const std::string_view come(buffer_.data(), size);
    const std::size_t header = come.find("\r\n\r\n");
    if (header == std::string_view::npos) continue;
    const std::size_t field = come.find("Content-Length: ");
    if (come.substr(0, 13) != "HTTP/1.1 200 " || field > header) throw std::runtime_error("bench: not the answer");
    const std::size_t length = std::strtoul(come.data() + field + 16, nullptr, 10);
    if (size >= header + 4 + length) return length;
  }
}

BareServer::BareServer(std::function<std::size_t()> read)
    : read_(std::move(read)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof(address);
  must(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), length), "bind");
  must(::listen(listener_, 1), "listen");
  must(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), "read the port");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

// The client must be gone before: the end of its connection ends the thread.
BareServer::~BareServer() {
  thread_.join();
  ::close(listener_);
}

void BareServer::serve() {
  const int socket = ::accept(listener_, nullptr, nullptr);
  without_delay(socket);
  char request[4096];
  while (::recv(socket, request, sizeof(request), 0) > 0) {
    const std::size_t bytes = read_();
    send_all(socket,
             "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'x'));
  }
  ::close(socket);
}

}  // namespace smgate::bench
