/* A line fitted to four points by gradient descent: a C program that uses the installed tensor
 * library.
 *
 *     cc example.c $(pkg-config --cflags --libs mesale_tensor) */
#include <stdio.h>
#include <stdlib.h>

#include <tensor.h>

#define STEPS 200
#define RATE 0.05

/* Ends the program with the library's message when `ok` is false. */
static void check(int ok)
{
    if (!ok) {
        fprintf(stderr, "error: %s\n", error_message());
        exit(EXIT_FAILURE);
    }
}

static struct tensor *checked(struct tensor *tensor)
{
    check(tensor != NULL);
    return tensor;
}

/* mean((x @ weight + bias - y) ** 2) */
static struct tensor *loss_of(struct tensor *x, struct tensor *y, struct tensor *weight,
                              struct tensor *bias)
{
    struct tensor *two = checked(tensor_from_scalar(scalar_int(2)));
    struct tensor *product = checked(tensor_matmul(x, weight));
    struct tensor *guess = checked(tensor_add(product, bias, scalar_int(1)));
    struct tensor *difference = checked(tensor_sub(guess, y, scalar_int(1)));
    struct tensor *square = checked(tensor_pow(difference, two));
    struct tensor *loss = checked(tensor_mean(square, DTYPE_NONE));
    tensor_release(two);
    tensor_release(product);
    tensor_release(guess);
    tensor_release(difference);
    tensor_release(square);
    return loss;
}

/* parameter -= RATE * gradient, unseen by autograd; then the gradient starts anew. */
static void step(struct tensor *parameter)
{
    bool recording = grad_mode_set(false);
    check(tensor_sub_(parameter, tensor_grad(parameter), scalar_float(RATE)) == 0);
    grad_mode_set(recording);
    check(tensor_zero_(tensor_grad(parameter)) == 0);
}

static void show(const char *name, struct tensor *tensor)
{
    char *text = tensor_repr(tensor);
    check(text != NULL);
    printf("%s = %s\n", name, text);
    free(text);
}

int main(void)
{
    struct tensor *x = checked(tensor_from_data((float[]){0, 1, 2, 3}, DTYPE_F32, INTS(4, 1)));
    struct tensor *y = checked(tensor_from_data((float[]){1, 3, 5, 7}, DTYPE_F32, INTS(4, 1)));
    struct tensor *weight = checked(tensor_zeros(INTS(1, 1), DTYPE_F32, DEVICE_DEFAULT));
    struct tensor *bias = checked(tensor_zeros(INTS(1), DTYPE_F32, DEVICE_DEFAULT));
    check(tensor_set_requires_grad(weight, true) == 0 && tensor_set_requires_grad(bias, true) == 0);

    struct scalar first = scalar_none(), last = scalar_none();
    for (int i = 0; i < STEPS; i++) {
        struct tensor *loss = loss_of(x, y, weight, bias);
        check(tensor_backward(loss, NULL, false, false) == 0);
        check(tensor_item(loss, i == 0 ? &first : &last) == 0);
        if (i == 0) {
            show("loss", loss);
            show("weight.grad", tensor_grad(weight));
        }
        tensor_release(loss);
        step(weight);
        step(bias);
    }
    show("weight", weight);
    show("bias", bias);
    int converged = scalar_to_double(last) < scalar_to_double(first) * 1e-4;

    /* an error is a return value and a message, never an exit */
    struct tensor *wrong = tensor_add(x, weight, scalar_int(1));
    struct tensor *impossible = tensor_reshape(y, INTS(3));
    printf("%s\n", impossible ? "?" : error_message());
    converged = converged && wrong && !impossible;

    tensor_release(wrong);
    tensor_release(x);
    tensor_release(y);
    tensor_release(weight);
    tensor_release(bias);
    return converged ? EXIT_SUCCESS : EXIT_FAILURE;
}
