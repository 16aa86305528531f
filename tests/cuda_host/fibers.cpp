/* Fibers: stacks of their own that one thread of the process switches between, without a system call. */
#include "internal.h"

#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

#define STACK ((size_t)256 << 10) /* bytes; touched pages only are real */
#define GUARD ((size_t)4096)

#ifdef __x86_64__

struct fiber {
    void **top; /* what the stack pointer was when it was left */
    char *stack;
};

/* Keeps the registers that a call must keep (System V ABI) on the stack left, and takes those of the other. */
extern "C" void cuda_host_switch(void ***left, void **taken);
asm(R"(
    .text
    .globl cuda_host_switch
    .hidden cuda_host_switch
    .type cuda_host_switch, @function
cuda_host_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size cuda_host_switch, . - cuda_host_switch
)");

void fiber_restart(fiber *self, void (*entry)(void))
{
    ASAN_UNPOISON_MEMORY_REGION(self->stack, STACK);
    void **top = (void **)(self->stack + STACK);
    *--top = nullptr; /* where `entry` would return to; it leaves the stack aligned as after a call */
    *--top = (void *)entry;
    for (int registers = 0; registers < 6; registers++) {
        *--top = nullptr;
    }
    self->top = top;
}

void fiber_switch(fiber *from, fiber *to)
{
    cuda_host_switch(&from->top, to->top);
}

#else /* slower: every switch asks the system for the signal mask */

#include <ucontext.h>

struct fiber {
    ucontext_t context;
    char *stack;
};

void fiber_restart(fiber *self, void (*entry)(void))
{
    ASAN_UNPOISON_MEMORY_REGION(self->stack, STACK);
    getcontext(&self->context);
    self->context.uc_stack.ss_sp = self->stack;
    self->context.uc_stack.ss_size = STACK;
    self->context.uc_link = nullptr;
    makecontext(&self->context, entry, 0);
}

void fiber_switch(fiber *from, fiber *to)
{
    swapcontext(&from->context, &to->context);
}

#endif

fiber *fiber_of_caller(void)
{
    static fiber caller;
    return &caller;
}

range fiber_stack(const fiber *self)
{
    return {(uintptr_t)self->stack, STACK};
}

fiber *fiber_new(void (*entry)(void))
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *pages = (char *)mmap(nullptr, GUARD + STACK, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages, GUARD, PROT_NONE)) {
        fail("no memory for a thread's stack");
    }
    auto self = new fiber();
    self->stack = pages + GUARD;
    fiber_restart(self, entry);
    return self;
}
