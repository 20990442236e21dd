// SPDX-License-Identifier: Apache-2.0

// nouring EPERM|ENOSYS PROGRAM [ARGUMENT...]: runs PROGRAM with the io_uring system calls refused,
// by EPERM as containers do it, or by ENOSYS as on a kernel built without io_uring.
//
// Role: shows that everything works without io_uring. The filter is inherited by what PROGRAM
// starts. Exit status: that of PROGRAM; 125 when it could not be started.

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int not_started = 125;

// Loads a field of the system call that is judged.
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
// Goes on with the next instruction when the loaded value equals `value`, else skips one.
#define WHEN(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1)
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))

static int refuse_uring(unsigned error) {
  const unsigned refuse = SECCOMP_RET_ERRNO | (error & SECCOMP_RET_DATA);
  struct sock_filter program[] = {
      LOAD(nr),       WHEN(SYS_io_uring_setup),    ANSWER(refuse), WHEN(SYS_io_uring_enter),
      ANSWER(refuse), WHEN(SYS_io_uring_register), ANSWER(refuse), ANSWER(SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog filter = {sizeof program / sizeof program[0], program};
  // Without new privileges an ordinary user may install a filter (seccomp(2)).
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

int main(int argc, char** argv) {
  unsigned error = 0;
  if (argc >= 3 && strcmp(argv[1], "EPERM") == 0) error = EPERM;
  if (argc >= 3 && strcmp(argv[1], "ENOSYS") == 0) error = ENOSYS;
  if (error == 0) {
    fputs("usage: nouring EPERM|ENOSYS PROGRAM [ARGUMENT...]\n", stderr);
    return not_started;
  }
  if (refuse_uring(error) != 0) {
    perror("nouring: seccomp");
    return not_started;
  }
  execvp(argv[2], argv + 2);
  perror(argv[2]);
  return not_started;
}
