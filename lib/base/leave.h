/* How does a process end while threads of it still run? */
#ifndef BASE_LEAVE_H
#define BASE_LEAVE_H

/*
 * At once: exit() would take away what the other threads stand on.  Whatever
 * is to be flushed was flushed.  In builds for tests the reports of such tools
 * are written first, and a leak makes it EX_SOFTWARE.
 */
void leave(int code) __attribute__((noreturn));

#endif
