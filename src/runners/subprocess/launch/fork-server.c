// The fork server: starts the commands of a runner, and saves how they end. A fork of the runner copies the page tables
// of 60 MB and stops its event loop meanwhile; a fork of this program does neither. It lives until the runner and the
// last command have ended, so that an exit code outlives the runner. Linux only; elsewhere wrapper.ts does the same with
// a shell for each run.
//
// Arguments: the owner file, and the reader's descriptor of it in /proc (see is_read).
// Requests come on descriptor 0, and reports go to descriptor 1; numbers have 32 bits in the byte order of the host.
//   request: length of the rest, id, number of words, number of variables; then, each with a NUL at its end, the start
//            directory, its token, the working directory, the umask in octal, the words of the command, its variables
//   report:  kind (enum report_kind), id, value
// The end of the requests says that the runner has ended: no command starts after it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUESTS = 0, REPORTS = 1 };

// What a shell returns for a command that it cannot execute, or not find. UNCLAIMED is the status of a child that may not
// run its command.
enum { UNCLAIMED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

// The values are a pid, an errno, and twice an exit code (128 + n for signal n).
enum report_kind { STARTED = 1, NOT_STARTED = 2, EXITED = 3, WITHOUT_CLAIM = 4 };

// How far the OOM score of a command exceeds ours, in thousandths of all memory: the kernel kills the command first.
enum { OOM_SCORE_ABOVE_OURS = 200, OOM_SCORE_MAX = 1000 };

// Soft limit of open files of a command: the default of Linux and systemd, because select() fails beyond it.
enum { OPEN_FILES = 1024 };

// Most output that is saved for a reader to come. A FIFO holds less, but its writers may go on.
enum { REST_MAX_BYTES = 1024 * 1024 };

enum { READ_BYTES = 64 * 1024, LINE_BYTES = 128 };

struct request {
  uint32_t id;
  const char *directory, *token, *working_dir;
  mode_t file_mode_mask;
  char **words, **variables;
};

struct run {
  pid_t pid;
  uint32_t id;
  int fifo;
  bool has_claimed;
  char *directory, *token;
};

// Bytes [0, filled) of a buffer that grows.
struct bytes {
  char *start;
  size_t filled, room;
};

static struct run *runs;
static size_t run_count, run_room;
static struct bytes reports;
static const char *owner_file, *reader;
// Empty where /proc is not mounted.
static char oom_score[16];

static void *grown(void *memory, size_t size) {
  void *result = realloc(memory, size);
  if (result == NULL) abort();
  return result;
}

static void reserve(struct bytes *bytes, size_t more) {
  if (bytes->room - bytes->filled >= more) return;
  bytes->room = bytes->room * 2 + more;
  bytes->start = grown(bytes->start, bytes->room);
}

static void drop(struct bytes *bytes, size_t count) {
  bytes->filled -= count;
  memmove(bytes->start, bytes->start + count, bytes->filled);
}

static int open_in(const char *directory, const char *name, int flags) {
  char path[PATH_MAX];
  if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  return open(path, flags | O_CLOEXEC, 0600);
}

// Returns how many bytes of the file are in `text`, which ends with a NUL.
static size_t read_text(const char *path, char *text, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t count = read(file, text, size - 1);
  close(file);
  if (count < 0) count = 0;
  text[count] = '\0';
  return (size_t)count;
}

static void report(enum report_kind kind, uint32_t id, int value) {
  uint32_t numbers[] = {kind, id, (uint32_t)value};
  reserve(&reports, sizeof numbers);
  memcpy(reports.start + reports.filled, numbers, sizeof numbers);
  reports.filled += sizeof numbers;
}

// A runner that is frozen reads no reports; the ends of its runs are saved all the same. A runner that has ended needs none.
static void send_reports(void) {
  ssize_t count = write(REPORTS, reports.start, reports.filled);
  if (count > 0) drop(&reports, (size_t)count);
  else if (count < 0 && errno != EAGAIN && errno != EINTR) reports.filled = 0;
}

// The lines of a status file begin with the token of their start: `token pid`, then `token exit-code` or `token sealed`.
static size_t claim_line(char *line, const char *token, pid_t pid) {
  return (size_t)snprintf(line, LINE_BYTES, "%s %d\n", token, (int)pid);
}

static size_t sealed_line(char *line, const char *token) {
  return (size_t)snprintf(line, LINE_BYTES, "%s sealed\n", token);
}

// In the child. Writes the claim over the lines of earlier starts in the directory, and then looks for the seal;
// run-files.ts says why in that order.
static bool claim(const struct request *request) {
  char found[LINE_BYTES], line[LINE_BYTES];
  int file = open_in(request->directory, "status", O_RDWR | O_CREAT);
  if (file < 0) return false;
  ssize_t prefix = snprintf(line, sizeof line, "%s ", request->token);
  if (pread(file, found, (size_t)prefix, 0) == prefix && memcmp(found, line, (size_t)prefix) == 0) return false;
  size_t claimed = claim_line(line, request->token, getpid());
  if (pwrite(file, line, claimed, 0) != (ssize_t)claimed) return false;
  // The FIFO goes before the seal: a directory without both may have had one.
  if (open_in(request->directory, "sealed", O_RDONLY) < 0 && errno == ENOENT)
    return open_in(request->directory, "fifo", O_RDONLY | O_NONBLOCK) >= 0;
  (void)!pwrite(file, line, sealed_line(line, request->token), (off_t)claimed);
  return false;
}

// Writes the exit code after the claim.
static void save_exit_code(const struct run *run, int code) {
  char line[LINE_BYTES];
  int file = open_in(run->directory, "status", O_WRONLY);
  if (file < 0) return;
  size_t claimed = claim_line(line, run->token, run->pid);
  int count = snprintf(line, sizeof line, "%s %d\n", run->token, code);
  (void)!pwrite(file, line, (size_t)count, (off_t)claimed);
  close(file);
}

// Whether a process reads the output. A reader is alive if it has the owner file open: a dead process has no descriptors.
// Any other is a successor of the first, which is alive if a process with its pid started when the owner file says, and
// is not a zombie: a parent may leave a killed runner unreaped.
static bool is_read(void) {
  struct stat owner, opened;
  if (stat(owner_file, &owner) < 0) return false;
  if (stat(reader, &opened) == 0 && owner.st_dev == opened.st_dev && owner.st_ino == opened.st_ino) return true;
  char text[1024], path[64], since[32] = "";
  int pid;
  if (read_text(owner_file, text, sizeof text) == 0 || sscanf(text, "%d %31s", &pid, since) < 1) return false;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (read_text(path, text, sizeof text) == 0) return false;
  // The second field is the name of the program in parentheses, and may hold anything. The state follows it; the start
  // time is the 20th from there.
  char *field = strrchr(text, ')');
  if (field == NULL || field[1] == '\0' || strchr("ZX", field[2]) != NULL) return false;
  for (int at = 0; at < 20 && field != NULL; at++) field = strchr(field + 1, ' ');
  size_t length = strlen(since);
  return length == 0 || (field != NULL && strncmp(field + 1, since, length) == 0 && field[1 + length] == ' ');
}

// Without a reader the FIFO loses its content with its last writer: saves it beside the FIFO.
static void save_rest(const struct run *run) {
  static char buffer[READ_BYTES];
  int rest = open_in(run->directory, "rest", O_WRONLY | O_CREAT | O_APPEND);
  if (rest < 0) return;
  ssize_t count;
  for (size_t saved = 0; saved < REST_MAX_BYTES; saved += (size_t)count) {
    count = read(run->fifo, buffer, sizeof buffer);
    if (count <= 0 || write(rest, buffer, (size_t)count) != count) break;
  }
  close(rest);
}

static void raise_oom_score(void) {
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  (void)!write(file, oom_score, strlen(oom_score));
  close(file);
}

static void limit_open_files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= OPEN_FILES) return;
  limit.rlim_cur = OPEN_FILES;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Lets the shell run a file without `#!`, as execvp() of glibc and a shell do, and that of musl does not.
static void run_script(char **words) {
  size_t count = 0;
  while (words[count] != NULL) count++;
  char *arguments[count + 4];
  memcpy(arguments, (char *[]){"sh", "-c", "exec \"$0\" \"$@\""}, 3 * sizeof *arguments);
  memcpy(arguments + 3, words, (count + 1) * sizeof *words);
  execv("/bin/sh", arguments);
}

// In the child, on the memory of the server: it must not return, nor change what the server uses but `has_claimed`.
// Signals stay blocked until the claim is written, so that a stop cannot leave a run without one.
static _Noreturn void become_command(const struct request *request, int output, volatile bool *has_claimed) {
  setsid();
  if (!claim(request)) _exit(UNCLAIMED);
  *has_claimed = true;
  raise_oom_score();
  limit_open_files();
  umask(request->file_mode_mask);
  dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
  dup2(output, 1);
  dup2(output, 2);
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  environ = request->variables;
  execvp(request->words[0], request->words);
  if (errno == ENOEXEC) run_script(request->words);
  const char *reason = errno == ENOENT ? "not found" : strerror(errno);
  int code = errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
  dprintf(2, "lsh: %s: %s\n", request->words[0], reason);
  _exit(code);
}

// Returns the pid, or -1 with errno. `fifo` is a reading end: it keeps what the command wrote until save_rest().
static pid_t start_in(const struct request *request, int fifo, volatile bool *has_claimed) {
  if (fifo < 0 || chdir(request->working_dir) < 0) return -1;
  // Opened for reading as well: the command then always has a reader, and blocks where it would die of SIGPIPE.
  int output = open_in(request->directory, "fifo", O_RDWR);
  if (output < 0) return -1;
  // Returns when the child has its own memory: the command runs then, or has failed.
  pid_t pid = vfork();
  if (pid == 0) become_command(request, output, has_claimed);
  int error = errno;
  close(output);
  // A working directory would keep its file system mounted. Fails for no user.
  (void)!chdir("/");
  errno = error;
  return pid;
}

static char *copy_of(const char *text) {
  size_t size = strlen(text) + 1;
  return memcpy(grown(NULL, size), text, size);
}

static void start(const struct request *request) {
  int fifo = open_in(request->directory, "fifo", O_RDONLY | O_NONBLOCK);
  volatile bool has_claimed = false;
  pid_t pid = start_in(request, fifo, &has_claimed);
  if (pid < 0) {
    report(NOT_STARTED, request->id, errno);
    close(fifo);
    return;
  }
  report(STARTED, request->id, pid);
  if (run_count == run_room) runs = grown(runs, (run_room = 2 * run_room + 16) * sizeof *runs);
  runs[run_count++] = (struct run){pid, request->id, fifo, has_claimed, copy_of(request->directory), copy_of(request->token)};
}

static void end(struct run *run, int code) {
  // In this order: a runner that finds the exit code also finds the rest of the output, and until then the zombie.
  if (!is_read()) save_rest(run);
  close(run->fifo);
  if (run->has_claimed) save_exit_code(run, code);
  report(run->has_claimed ? EXITED : WITHOUT_CLAIM, run->id, code);
  free(run->directory);
  free(run->token);
}

// A child stays a zombie until its exit code is saved, so that the next runner knows that the code will come; and until
// its end is reported, so that the runner signals no other process group with its id.
static void reap(void) {
  for (siginfo_t info = {0}; waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;) {
    size_t at = 0;
    while (at < run_count && runs[at].pid != info.si_pid) at++;
    if (at < run_count) {
      end(&runs[at], info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status);
      runs[at] = runs[--run_count];
      send_reports();
    }
    waitpid(info.si_pid, NULL, 0);
    info.si_pid = 0;
  }
}

static uint32_t next_number(const char **at) {
  uint32_t number;
  memcpy(&number, *at, sizeof number);
  *at += sizeof number;
  return number;
}

static const char *next_string(const char **at) {
  const char *string = *at;
  *at += strlen(string) + 1;
  return string;
}

// A list for exec, which ends with NULL. The caller frees it.
static char **next_strings(const char **at, uint32_t count) {
  char **list = grown(NULL, (count + 1) * sizeof *list);
  for (uint32_t index = 0; index < count; index++) list[index] = (char *)next_string(at);
  list[count] = NULL;
  return list;
}

static void serve(const char *at) {
  struct request request = {.id = next_number(&at)};
  uint32_t words = next_number(&at), variables = next_number(&at);
  request.directory = next_string(&at);
  request.token = next_string(&at);
  request.working_dir = next_string(&at);
  request.file_mode_mask = (mode_t)strtoul(next_string(&at), NULL, 8);
  request.words = next_strings(&at, words);
  request.variables = next_strings(&at, variables);
  start(&request);
  free(request.words);
  free(request.variables);
}

// Serves the whole requests that have arrived. Returns false at the end of the requests.
static bool serve_requests(void) {
  static struct bytes requests;
  reserve(&requests, READ_BYTES);
  ssize_t count = read(REQUESTS, requests.start + requests.filled, requests.room - requests.filled);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (count <= 0) return false;
  requests.filled += (size_t)count;
  size_t served = 0;
  while (requests.filled - served >= sizeof(uint32_t)) {
    const char *at = requests.start + served;
    uint32_t length = next_number(&at);
    if (requests.filled - served - sizeof length < length) break;
    serve(at);
    served += sizeof length + length;
  }
  drop(&requests, served);
  return true;
}

static void set_up(void) {
  // process-identity.ts knows our children by this name of their parent, and by the lack of an environment.
  prctl(PR_SET_NAME, "lsh-fork-server");
  signal(SIGPIPE, SIG_IGN);
  fcntl(REQUESTS, F_SETFD, FD_CLOEXEC);
  fcntl(REPORTS, F_SETFD, FD_CLOEXEC);
  fcntl(REPORTS, F_SETFL, O_NONBLOCK);
  if (read_text("/proc/self/oom_score_adj", oom_score, sizeof oom_score) == 0) return;
  int score = atoi(oom_score) + OOM_SCORE_ABOVE_OURS;
  snprintf(oom_score, sizeof oom_score, "%d", score < OOM_SCORE_MAX ? score : OOM_SCORE_MAX);
}

// Blocks all signals: those of a stop reach the whole control group and are meant for the commands.
static int watch_signals(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  return signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void discard_signals(int signals) {
  struct signalfd_siginfo info;
  while (read(signals, &info, sizeof info) > 0) continue;
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  owner_file = arguments[1];
  reader = arguments[2];
  set_up();
  int signals = watch_signals();
  if (signals < 0) return 1;
  for (bool is_open = true; is_open || run_count > 0;) {
    struct pollfd files[] = {
        {.fd = signals, .events = POLLIN},
        {.fd = is_open ? REQUESTS : -1, .events = POLLIN},
        {.fd = reports.filled > 0 ? REPORTS : -1, .events = POLLOUT},
    };
    if (poll(files, 3, -1) < 0 && errno != EINTR) return 1;
    if (files[0].revents) {
      discard_signals(signals);
      reap();
    }
    if (files[1].revents) is_open = serve_requests();
    if (reports.filled > 0) send_reports();
  }
  return 0;
}
