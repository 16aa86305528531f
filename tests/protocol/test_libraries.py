"""What libraries reach for in a kernel: get_ipython().kernel, its session, payloads, nested loops."""

import pytest


def test_nest_asyncio_works(kernel):
    kernel.run(
        "import nest_asyncio, asyncio\nnest_asyncio.apply()\nasync def f():\n"
        "    await asyncio.sleep(0.01)\n    return 7"
    ).ok()
    for code in (
        "asyncio.run(f())",
        "asyncio.get_event_loop().run_until_complete(f())",
        "await f()",
        "(await asyncio.gather(f(), f()))[1]",
    ):
        assert kernel.run(code).ok().result == "7"


def test_the_kernel_object_has_what_libraries_use(kernel):
    kernel.run("k = get_ipython().kernel").ok()
    names = [
        "get_parent",
        "set_parent",
        "session",
        "iopub_socket",
        "send_response",
        "comm_manager",
        "shell",
        "control_thread",
        "language_info",
    ]
    assert kernel.run(f"[n for n in {names} if not hasattr(k, n)]").ok().result == "[]"
    outcome = kernel.run(
        "print(k.get_parent()['header']['msg_id'], k.get_parent('shell')['header']['msg_id'], "
        "get_ipython().parent_header['header']['msg_id'], k.session.session)"
    ).ok()
    head = outcome.request
    assert outcome.stdout.split() == [head["msg_id"]] * 3 + [head["session"]]


@pytest.mark.parametrize(
    "call",
    [
        "k.session.send(k.iopub_socket, 'display_data', {'data': {'text/plain': 'x'}, 'metadata': {}})",
        "k.session.send(k.iopub_socket, k.session.msg('display_data', {'data': {'text/plain': 'x'}}))",
        "k.send_response(k.iopub_socket, 'display_data', {'data': {'text/plain': 'x'}})",
    ],
)
def test_a_library_may_send_messages(kernel, call):
    outcome = kernel.run("k = get_ipython().kernel\n" + call).ok()
    assert outcome.displays == [{"data": {"text/plain": "x"}, "metadata": {}, "transient": {}}]


def test_a_stream_message_is_printed_in_order(kernel):
    outcome = kernel.run(
        "print('a')\nget_ipython().kernel.send_response(None, 'stream', "
        "{'name': 'stdout', 'text': 'b'})\nprint('c')"
    ).ok()
    assert outcome.stdout == "a\nbc\n"


@pytest.mark.parametrize("line, number", [("%edit note.py", 0), ("%ed -n 3 note.py", 3)])
def test_editing_is_left_to_the_front_end(kernel, line, number):
    kernel.run("open('note.py', 'w').write('raise SystemExit')").ok()
    outcome = kernel.run(line).ok()
    (payload,) = outcome.reply["payload"]
    assert payload["source"] == "edit_magic" and payload["line_number"] == number
    assert payload["filename"].endswith("/note.py")
