/* Signals of work that runs: an address that it must not touch becomes CUDA's error. Nothing stays installed. */
#include "internal.h"

#include <csignal>

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE};
static struct sigaction before[3];
static stack_t stack_before;

/* The fiber that did it is left as it stands; the handler never returns to it. */
static void on_fault(int number, siginfo_t *info, void *)
{
    if (!is_running()) { /* another thread's: it happens again under who handled it before */
        for (int i = 0; i < 3; i++) {
            if (signals[i] == number) {
                sigaction(number, &before[i], nullptr);
            }
        }
        return;
    }
    if (number == SIGFPE) {
        fail("an integer division by zero in %s", describe_place().c_str());
    }
    fprintf(stderr, "CUDA stand-in: %p is %s, touched by %s\n", info->si_addr,
            memory_describe(info->si_addr, 1).c_str(), describe_place().c_str());
    stop_grid(cudaErrorIllegalAddress);
}

fault_guard::fault_guard()
{
    static char stack[64 << 10]; /* for a fiber whose own is full */
    stack_t ours = {};
    ours.ss_sp = stack;
    ours.ss_size = sizeof stack;
    sigaltstack(&ours, &stack_before);
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (int i = 0; i < 3; i++) {
        sigaction(signals[i], &action, &before[i]);
    }
}

fault_guard::~fault_guard()
{
    for (int i = 0; i < 3; i++) {
        sigaction(signals[i], &before[i], nullptr);
    }
    sigaltstack(&stack_before, nullptr);
}
