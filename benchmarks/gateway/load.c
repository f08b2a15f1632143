/* Keeps so many requests under way over keep-alive connections, checks every answer, tells the times.

   load PORT REQUESTS CONCURRENCY REQUEST_FILE WORD TIMES [END]

   An answer is right if its status is 200 and its body, taken out of its chunks, holds WORD exactly TIMES
   times, and END at least once if it is given. Prints JSON; times are milliseconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1 << 18 };

struct connection {
    int fd;
    double sent_s, first_s;
    size_t held;      /* bytes received of this answer */
    size_t body;      /* bytes of its body, moved together without their chunks' frames */
    size_t body_at;   /* where the body begins; 0 until the head is there */
    size_t read_to;   /* how far what was received has been understood */
    long length;      /* -1: chunked */
    long chunk;       /* what is left of the chunk; -1: its size comes next */
    char data[MOST];
};

static int port, poll_fd;
static long left, count, done, right;
static double *total_ms, *first_ms;
static char *request, *word, *end_word;
static size_t request_length;
static long times;

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void ask(struct connection *c) {
    if (left <= 0) return;
    left--;
    c->held = c->body = c->body_at = c->read_to = 0;
    c->chunk = -1;
    c->first_s = 0;
    c->sent_s = now_s();
    if (send(c->fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length) fail("send");
}

static void begin(struct connection *c) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event);
    ask(c);
}

static int read_head(struct connection *c) {
    char *end = memmem(c->data, c->held, "\r\n\r\n", 4);
    if (!end) return 0;
    c->body_at = c->read_to = (size_t)(end - c->data) + 4;
    c->length = -1;
    for (char *at = strchr(c->data, '\n'); at && at < end; at = strchr(at + 1, '\n'))
        if (!strncasecmp(at + 1, "content-length:", 15)) c->length = strtol(at + 16, NULL, 10);
    return 1;
}

/* Takes the body out of its chunks; says whether it is whole. */
static int read_chunks(struct connection *c) {
    for (;;) {
        if (c->chunk < 0) {
            char *line = memmem(c->data + c->read_to, c->held - c->read_to, "\r\n", 2);
            if (!line) return 0;
            c->chunk = strtol(c->data + c->read_to, NULL, 16);
            if (c->chunk == 0) return memmem(line, (size_t)(c->data + c->held - line), "\r\n\r\n", 4) != NULL;
            c->read_to = (size_t)(line - c->data) + 2;
        }
        size_t there = c->held - c->read_to;
        if (there < (size_t)c->chunk + 2) return 0;
        memmove(c->data + c->body_at + c->body, c->data + c->read_to, (size_t)c->chunk);
        c->body += (size_t)c->chunk;
        c->read_to += (size_t)c->chunk + 2;
        c->chunk = -1;
    }
}

static int is_right(struct connection *c) {
    char *body = c->data + c->body_at, *end = body + c->body;
    long found = 0;
    if (strncmp(c->data, "HTTP/1.1 200", 12)) return 0;
    for (char *at = body; (at = memmem(at, (size_t)(end - at), word, strlen(word))); at += strlen(word)) found++;
    return found == times && (!end_word || memmem(body, c->body, end_word, strlen(end_word)));
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void hear(struct connection *c) {
    ssize_t got = recv(c->fd, c->data + c->held, MOST - 1 - c->held, 0);
    if (got <= 0) {
        fprintf(stderr, "the connection was closed after %ld answers, %zu bytes into the next\n", done, c->held);
        exit(1);
    }
    c->held += (size_t)got;
    c->data[c->held] = 0;
    if (!c->body_at && !read_head(c)) return;
    if (!c->first_s && c->held > c->body_at) c->first_s = now_s();
    if (c->length >= 0) {
        c->body = c->held - c->body_at;
        if (c->body < (size_t)c->length) return;
    } else if (!read_chunks(c)) {
        return;
    }
    total_ms[done] = (now_s() - c->sent_s) * 1e3;
    first_ms[done] = (c->first_s - c->sent_s) * 1e3;
    done++;
    if (is_right(c))
        right++;
    else if (right == done - 1)
        fprintf(stderr, "not what was expected: %.600s\n", c->data);
    ask(c);
}

int main(int number, char **given) {
    if (number < 7) return 2;
    port = atoi(given[1]);
    left = count = atol(given[2]);
    long concurrency = atol(given[3]);
    FILE *file = fopen(given[4], "rb");
    request = malloc(MOST);
    if (!file || !request) fail(given[4]);
    request_length = fread(request, 1, MOST, file);
    fclose(file);
    word = given[5];
    times = atol(given[6]);
    end_word = number > 7 ? given[7] : NULL;
    total_ms = calloc((size_t)count, sizeof(double));
    first_ms = calloc((size_t)count, sizeof(double));
    poll_fd = epoll_create1(0);
    double began_s = now_s();
    for (long i = 0; i < concurrency; i++) begin(calloc(1, sizeof(struct connection)));
    while (done < count) {
        struct epoll_event events[256];
        int ready = epoll_wait(poll_fd, events, 256, 60000);
        if (ready <= 0) fail("nothing came for a minute");
        for (int i = 0; i < ready; i++) hear(events[i].data.ptr);
    }
    double wall_s = now_s() - began_s;
    qsort(total_ms, (size_t)count, sizeof(double), by_size);
    qsort(first_ms, (size_t)count, sizeof(double), by_size);
    long p99 = count * 99 / 100;
    printf("{\"right\": %ld, \"per_s\": %.1f, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"first_p50_ms\": %.4f, \"first_p99_ms\": %.4f}\n",
           right, (double)count / wall_s, total_ms[count / 2], total_ms[p99], first_ms[count / 2], first_ms[p99]);
}
