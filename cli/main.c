/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* Whoever starts us may have closed a standard stream; the next file opened would take its number,
 * and a message be written into the database. A read-only descriptor keeps the place and lets
 * writes fail. */
static int keep_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            return -errno;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (keep_standard_streams() < 0)
        return EXIT_OTHER;
    terminal_setup_characters();
    /* A closed pipe is then an error of one write, and what is half done gets cleaned up. */
    signal(SIGPIPE, SIG_IGN);

    int result = command_run(argc, argv);
    int written = result < 0 ? 0 : output_finish(stdout);
    /* Whoever closed the pipe has seen enough; what the command found out still counts. */
    if (written < 0 && written != -EPIPE)
        result = written;
    if (result < 0 && result != -EPIPE)
        output_message("%s", error_message());
    interrupt_obey();
    return command_exit_code(result);
}
