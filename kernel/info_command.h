/* `mesale info`: what a bug report needs, as plain text with stable keys. */
#ifndef KERNEL_INFO_COMMAND_H
#define KERNEL_INFO_COMMAND_H

/* argv[0] is the word "info". Returns the exit code: 0; 1 when Python or IPython cannot be started,
 * which the text then says; 2 wrong arguments. */
int info_main(int argc, char **argv);

#endif
