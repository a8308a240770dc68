// The only process of the emulated machine: runs /program with the arguments of /arguments, one a line, writes what it
// writes to the serial line, then its exit status, and switches the machine off.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

int main(void) {
    static char *arguments[256] = {"/program"}, text[1 << 16];
    mkdir("/proc", 0755), mkdir("/dev", 0755), mkdir("/tmp", 0777);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    const int serial = open("/dev/ttyS0", O_RDWR | O_NOCTTY);
    struct termios settings;
    tcgetattr(serial, &settings);
    cfmakeraw(&settings);
    tcsetattr(serial, TCSANOW, &settings);
    const int file = open("/arguments", O_RDONLY);
    ssize_t size = read(file, text, sizeof text - 1);
    int count = 1;
    for (char *line = strtok(text, "\n"); size > 0 && line && count < 255; line = strtok(NULL, "\n")) arguments[count++] = line;
    dprintf(serial, "\n-- begin\n");
    const pid_t child = fork();
    if (child == 0) {
        dup2(serial, 1);
        dup2(serial, 2);
        setenv("HOME", "/tmp", 1);
        const char *const isa = getenv("EDIC_ISA");
        if (isa && !*isa) unsetenv("EDIC_ISA");
        execv("/program", arguments);
        perror("/program");
        _exit(126);
    }
    int status = 0;
    waitpid(child, &status, 0);
    dprintf(serial, "\n-- end %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    tcdrain(serial);
    sleep(1);
    reboot(RB_POWER_OFF);
    return 0;
}
