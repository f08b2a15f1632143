/* A provider that costs next to nothing: prepared HTTP responses over keep-alive connections, one thread, one epoll.

   upstream REPLY_FILE STREAM_FILE

   Prints its port. Answers with the second file's bytes where the request's body asks for a stream. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 65536, CONNECTIONS = 4096 };

struct bytes {
    char *data;
    size_t length;
};
struct connection {
    size_t held;
    char data[MOST];
};

static struct connection *connections[CONNECTIONS];
static struct bytes reply, stream;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static struct bytes content(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    fseek(file, 0, SEEK_END);
    struct bytes read = {NULL, (size_t)ftell(file)};
    rewind(file);
    read.data = malloc(read.length);
    if (!read.data || fread(read.data, 1, read.length, file) != read.length) fail(path);
    fclose(file);
    return read;
}

static size_t body_length(const char *head, size_t length) {
    for (const char *at = head, *end = head + length; at && at < end; at = memchr(at, '\n', (size_t)(end - at))) {
        if (*at == '\n') at++;
        if (end - at > 15 && !strncasecmp(at, "content-length:", 15)) return strtoul(at + 15, NULL, 10);
    }
    return 0;
}

static int wants_stream(const char *body, size_t length) {
    const char *at = memmem(body, length, "\"stream\":", 9);
    if (!at) return 0;
    at += 9;
    while (*at == ' ') at++;
    return !strncmp(at, "true", 4);
}

static void answer(int fd, struct bytes what) {
    for (size_t sent = 0; sent < what.length;) {
        ssize_t took = send(fd, what.data + sent, what.length - sent, MSG_NOSIGNAL);
        if (took < 0) return; /* it left, or reads too slowly for a bench */
        sent += (size_t)took;
    }
}

static void forget(int fd) {
    free(connections[fd]);
    connections[fd] = NULL;
    close(fd);
}

static void hear(int fd) {
    struct connection *c = connections[fd];
    ssize_t got = recv(fd, c->data + c->held, MOST - 1 - c->held, 0);
    if (got <= 0) {
        forget(fd);
        return;
    }
    c->held += (size_t)got;
    c->data[c->held] = 0;
    for (;;) {
        char *end = memmem(c->data, c->held, "\r\n\r\n", 4);
        if (!end) return;
        size_t head = (size_t)(end - c->data) + 4, whole = head + body_length(c->data, head);
        if (c->held < whole) return;
        answer(fd, wants_stream(c->data + head, whole - head) ? stream : reply);
        c->held -= whole;
        memmove(c->data, c->data + whole, c->held + 1);
    }
}

int main(int count, char **given) {
    if (count != 3) return 2;
    reply = content(given[1]);
    stream = content(given[2]);
    int listening = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listening, (struct sockaddr *)&address, size) || listen(listening, 2048)) fail("listen");
    getsockname(listening, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listening}, events[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, listening, &event);
    for (;;) {
        int ready = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd != listening) {
                hear(fd);
                continue;
            }
            int client = accept(listening, NULL, NULL);
            if (client < 0 || client >= CONNECTIONS) fail("accept");
            setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            connections[client] = calloc(1, sizeof(struct connection));
            event.data.fd = client;
            epoll_ctl(poll, EPOLL_CTL_ADD, client, &event);
        }
    }
}
