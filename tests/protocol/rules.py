"""The rules of order: for every request of every test (check_request), and for all that several
clients of one kernel saw (check_clients).
"""

# what a reply that says "ok" must have beside its status
REPLY_FIELDS = {
    "comm_info_reply": {"comms"},
    "complete_reply": {"matches", "cursor_start", "cursor_end", "metadata"},
    "connect_reply": {"shell_port", "iopub_port", "stdin_port", "control_port", "hb_port"},
    "create_subshell_reply": {"subshell_id"},
    "execute_reply": {"execution_count", "user_expressions", "payload"},
    "history_reply": {"history"},
    "inspect_reply": {"found", "data", "metadata"},
    "kernel_info_reply": {
        "protocol_version", "implementation", "implementation_version", "banner", "help_links",
        "language_info", "supported_features",
    },
    "list_subshell_reply": {"subshell_id"},
    "shutdown_reply": {"restart"},
    "usage_reply": {"pid", "hostname", "kernel_cpu", "kernel_memory", "cpu_count"},
}  # fmt: skip

# replies without the usual status: is_complete answers by it, a debugger's reply is its own protocol
COMPLETENESS = {"complete", "incomplete", "invalid", "unknown", "error"}

# they wait for the cells even on control (comm messages have no reply, and are sent on shell)
NEED_PYTHON = {
    "complete_request", "inspect_request", "is_complete_request", "comm_info_request",
    "history_request",
}  # fmt: skip

OUTPUTS = {
    "execute_input", "stream", "display_data", "update_display_data", "execute_result", "error",
    "clear_output", "comm_open", "comm_msg", "comm_close", "debug_event", "shutdown_reply",
}  # fmt: skip


def check_request(request, messages, shown_errors=False):
    """Check all that came back for one request.

    request: its header; messages: every message with that parent, in order of arrival. The reply
    comes on a socket of its own, so only the order within iopub can be asserted. shown_errors:
    IPython may also show errors that do not end the cell, those of a `display` or of an event
    hook, and a user's handler may show nothing at all.
    """
    for message in messages:
        assert message.parent == request, f"parent of {message.type} is not the request's header"
    iopub = [m for m in messages if m.channel == "iopub"]
    for message in iopub:
        assert len(message.identities) == 1, (
            f"{message.type}: one topic frame, not {message.identities}"
        )
    states = [m.content["execution_state"] for m in iopub if m.type == "status"]
    assert states == ["busy", "idle"], f"{request['msg_type']}: {states}"
    assert iopub[0].type == "status", f"{iopub[0].type} came before busy"
    assert iopub[-1].type == "status", f"{iopub[-1].type} came after idle"
    replies = [m for m in messages if m.channel in ("shell", "control")]
    assert len(replies) <= 1, f"{len(replies)} replies"
    if replies:
        expected = request["msg_type"].replace("_request", "_reply")
        assert replies[0].type == expected, f"{replies[0].type} answers {request['msg_type']}"
        check_reply(replies[0].type, replies[0].content)
    if replies and request["msg_type"] == "execute_request":
        check_execute(replies[0], iopub, shown_errors)


def check_reply(kind, content):
    """A reply's status and the fields that go with it."""
    if kind == "debug_reply":
        return
    if kind == "is_complete_reply":
        assert content["status"] in COMPLETENESS, content
        return
    assert content["status"] in ("ok", "error", "aborted"), content
    if content["status"] == "error":
        assert {"ename", "evalue", "traceback"} <= set(content), f"{kind}: {content}"
    elif content["status"] == "ok":
        missing = REPLY_FIELDS.get(kind, set()) - set(content)
        assert not missing, f"{kind} lacks {missing}"


def check_execute(reply, iopub, shown_errors):
    """The rules for cells: echo first, one counter, and the same error in reply and `error`."""
    kinds = [m.type for m in iopub]
    aborted = (
        reply.content.get("ename") == "ExecutionAborted" or reply.content["status"] == "aborted"
    )
    if aborted:
        assert kinds == ["status", "status"], kinds
        return
    if "execute_input" in kinds:
        assert kinds[1] == "execute_input", kinds
    counts = {
        m.content["execution_count"] for m in iopub if m.type in ("execute_input", "execute_result")
    }
    assert len(counts) <= 1, f"counts on iopub: {counts}"
    errors = [m.content for m in iopub if m.type == "error"]
    if shown_errors:
        errors = errors[-1:] if reply.content["status"] == "error" else []
    assert len(errors) <= 1, errors
    if reply.content["status"] == "error":
        check_error(reply.content, errors, may_lack=shown_errors or "execute_input" not in kinds)
    else:
        assert not errors, "an error message, and a reply that says ok"


def check_error(content, errors, may_lack):
    """A failed cell: three fields of text in the reply, the same three on iopub (IPython prints
    usage errors).
    """
    assert isinstance(content["ename"], str) and isinstance(content["evalue"], str), content
    assert all(isinstance(line, str) for line in content["traceback"]), content
    if not errors:
        assert may_lack or content["ename"] == "UsageError", (
            f"no error message for {content['ename']}"
        )
        return
    for field in ("ename", "evalue", "traceback"):
        assert errors[0][field] == content[field], f"{field} differs between error and reply"


# --- all sockets of all clients of one kernel -----------------------------------------------------


def check_clients(clients, subshells=False):
    """Everything that clients of one kernel got since it started.

    All requests must be finished, and no thread of a cell may have written after its end.
    subshells: requests were sent to subshells too, so that those on shell may overlap.
    """
    for client in clients:
        check_welcome(client)
        check_replies(client, clients)
        check_sessions(client, clients[0])
        check_courses(client, [c for c in clients if c is not client], subshells)
    check_one_order(clients)
    check_start(clients[0])


def iopub_of(client):
    return [m for m in client.log if m.channel == "iopub"]


def check_welcome(client):
    """The first that a client hears on iopub is its welcome, before `starting`."""
    first = iopub_of(client)[0]
    assert first.type == "iopub_welcome", f"{first.type} came before the welcome"
    assert first.parent == {} and first.content == {"subscription": ""}, first
    assert first.identities == [b""], "the topic frame is the subscription"


def check_start(client):
    """`starting` comes once in a kernel's life, to the first client, and belongs to no request."""
    starting = [m for m in iopub_of(client) if m.content.get("execution_state") == "starting"]
    assert len(starting) == 1 and starting[0].parent == {}, starting
    assert iopub_of(client)[1] is starting[0], "something came before `starting`"


def check_replies(client, clients):
    """A reply goes to the client that asked, on the channel on which it asked, and to no other."""
    for message in client.log:
        if message.channel != "iopub":
            assert message.request in client.sent, f"{message.type} went to another client"
            assert message.channel == client.channels[message.request], message
    for request in client.sent:
        others = [m for c in clients if c is not client for m in c.filed[request]]
        assert {m.channel for m in others} <= {"iopub"}, f"others got answers to {request}"


def check_sessions(client, first):
    """One session is the kernel's, and no message has another's id."""
    assert {m.header["session"] for m in client.log} == {first.log[0].header["session"]}
    ids = [m.header["msg_id"] for m in client.log]
    assert len(set(ids)) == len(ids), "a message came twice"


def check_one_order(clients):
    """All see the same messages in the same order, from the moment of their welcome on (what a client
    has not read yet is left out).
    """
    seen = [[m.header["msg_id"] for m in iopub_of(c)] for c in clients]
    first = next(ids for ids in seen if all(other[0] in ids for other in seen))
    for ids in seen:
        begin = first.index(ids[0])
        common = min(len(ids), len(first) - begin)
        assert ids[:common] == first[begin : begin + common], "clients saw different orders"


def course_of(kind, channel):
    """Who serves it: what needs Python waits for the cells, on whichever channel it was sent. None:
    nobody waits for it, as for a debugger, whose requests may end each other.
    """
    if kind == "debug_request":
        return None
    return "shell" if kind in NEED_PYTHON else channel


def check_courses(client, others, subshells):
    """One request after the other in each course, and each client's in the order of sending."""
    channels = {r: c for one in (client, *others) for r, c in one.channels.items()}
    running, begun = {}, []
    for message in iopub_of(client):
        if message.request is None:
            continue
        state = message.content.get("execution_state")
        kind, channel = message.parent["msg_type"], channels[message.request]
        way = (course_of(kind, channel), channel)
        course = message.request if subshells or way[0] is None else way[0]
        if state == "busy":
            assert course not in running, f"{kind} began inside another"
            running[course] = message.request
            begun.append((way, message.request))
        elif state == "idle":
            assert running.pop(course) == message.request
        else:
            assert message.type in OUTPUTS, f"{message.type} on iopub"
            assert running[course] == message.request, f"{message.type} came outside its request"
    assert not running
    for way in {way for way, _ in begun if way[0] is not None}:
        check_arrivals(client, [request for its, request in begun if its == way])


def check_arrivals(client, requests):
    """Requests on one way, in the order in which they began: those of the client as it sent them,
    and their replies too.
    """
    own = [r for r in requests if r in client.sent]
    assert own == sorted(own, key=list(client.sent).index), "not in the order of sending"
    replies = [m.request for m in client.log if m.channel != "iopub" and m.request in own]
    assert replies == [r for r in own if r in replies], "replies out of order"
