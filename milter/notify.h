/* Words to systemd, where it started us (Type=notify). */
#ifndef MILTER_NOTIFY_H
#define MILTER_NOTIFY_H

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

#endif
