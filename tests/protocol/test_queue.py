"""Cells sent without waiting: their order, and what an error does to those behind it."""

import pytest

FAILING = "import time; time.sleep(0.3); print('before'); 1/0"


def counts_of(outcomes):
    return [o.reply["execution_count"] for o in outcomes]


def test_two_hundred_cells_in_a_row_are_answered_in_order(kernel):
    requests = [kernel.start(f"print({i})\n{i}") for i in range(200)]
    outcomes = [kernel.wait(r, 30).ok() for r in requests]
    assert [o.stdout for o in outcomes] == [f"{i}\n" for i in range(200)]
    assert [o.result for o in outcomes] == [str(i) for i in range(200)]
    counts = counts_of(outcomes)
    assert counts == list(range(counts[0], counts[0] + 200))


def test_cells_behind_an_error_are_aborted(kernel):
    kernel.run("ran = []").ok()
    requests = [kernel.start(FAILING)] + [kernel.start(f"ran.append({i})") for i in range(5)]
    outcomes = [kernel.wait(r) for r in requests]
    outcomes[0].failed("ZeroDivisionError")
    for aborted in outcomes[1:]:
        aborted.failed("ExecutionAborted")
        assert aborted.reply["traceback"] == [] and isinstance(aborted.reply["evalue"], str)
        assert isinstance(aborted.reply["execution_count"], int)
        assert [m.type for m in aborted.iopub] == ["status", "status"]
    assert kernel.run("ran").ok().result == "[]"


def test_aborted_cells_do_not_count(kernel):
    requests = [kernel.start(FAILING), kernel.start("'never'")]
    failed, _ = [kernel.wait(r) for r in requests]
    assert kernel.run("1").ok().reply["execution_count"] == failed.reply["execution_count"] + 1


@pytest.mark.parametrize("options", [{"stop_on_error": False}, {"silent": True}])
def test_cells_behind_an_error_run_if_it_was_asked_so(kernel, options):
    kernel.run("ran = []").ok()
    requests = [kernel.start(FAILING, **options)] + [
        kernel.start(f"ran.append({i})") for i in range(3)
    ]
    assert [kernel.wait(r).status for r in requests] == ["error", "ok", "ok", "ok"]
    assert kernel.run("ran").ok().result == "[0, 1, 2]"


def test_other_requests_in_the_queue_are_served(kernel):
    kernel.run("table = 1").ok()
    failing = kernel.start(FAILING)
    aborted = kernel.start("'never'")
    info = kernel.send("kernel_info_request")
    completion = kernel.send("complete_request", {"code": "tab", "cursor_pos": 3})
    also_aborted = kernel.start("'never'")
    kernel.wait(failing).failed("ZeroDivisionError")
    kernel.wait(aborted).failed("ExecutionAborted")
    assert kernel.wait(info).status == "ok"
    assert "table" in kernel.wait(completion).reply["matches"]
    kernel.wait(also_aborted).failed("ExecutionAborted")


def test_a_cell_sent_after_the_failure_was_seen_runs(kernel):
    for _ in range(20):
        kernel.run("1/0").failed("ZeroDivisionError")
        assert kernel.run("'runs'").ok().result == "'runs'"


def test_an_interrupt_aborts_the_cells_behind_it_too(kernel):
    first = kernel.run_until(
        "import time\nprint('go', flush=True)\nwhile True: time.sleep(0.001)", "go"
    )
    second = kernel.start("'never'")
    kernel.collect(0.1)
    kernel.interrupt("message")
    kernel.wait(first).failed("KeyboardInterrupt")
    kernel.wait(second).failed("ExecutionAborted")
    assert kernel.run("1").ok().result == "1"


def test_requests_of_two_clients_are_served_in_order_of_arrival(start):
    process = start()
    one, two = process.client(), process.client()
    one.run("order = []").ok()
    requests = []
    for i in range(20):
        client = (one, two)[i % 2]
        requests.append((client, client.start(f"order.append({i % 2})")))
    for client, request in requests:
        client.wait(request).ok()
    order = one.run("''.join(map(str, order))").ok().result
    assert order.count("0") == order.count("1") == 10


def test_aborting_keeps_the_order_of_replies(kernel):
    requests = [kernel.start(FAILING)]
    for i in range(10):
        requests.append(kernel.start(f"{i}"))
        requests.append(kernel.send("kernel_info_request"))
        requests.append(kernel.send("is_complete_request", {"code": "1"}))
    for request in requests:
        kernel.wait(request)
    replies = [m.request for m in kernel.log if m.channel == "shell"]
    assert replies == requests
    ends = [m.request for m in kernel.log if m.content.get("execution_state") == "idle"]
    assert ends == requests


def test_cells_of_other_clients_are_aborted_too(start):
    process = start()
    one, two = process.client(), process.client()
    one.run("ran = []").ok()
    failing = one.start(FAILING)
    one.wait_for(lambda: one.has(failing, "execute_input"), 10, "the cell's beginning")
    others = [two.start("ran.append(2)"), one.start("ran.append(1)"), two.start("ran.append(3)")]
    one.wait(failing).failed("ZeroDivisionError")
    for client, request in ((two, others[0]), (one, others[1]), (two, others[2])):
        reply = client.wait(request).failed("ExecutionAborted").reply
        assert reply["traceback"] == [] and reply["evalue"] and reply["execution_count"] >= 1
    assert two.run("ran").ok().result == "[]"


def test_a_failing_cell_with_nothing_behind_it_aborts_nothing(kernel):
    """The moment between the error and the answer is looked at again and again."""
    for i in range(30):
        failing = kernel.start("1/0")
        kernel.wait_for(lambda r=failing: kernel.has(r, "execute_reply"), 10, "the reply")
        assert kernel.run(f"{i}").ok().result == str(i)
        kernel.wait(failing).failed("ZeroDivisionError")
