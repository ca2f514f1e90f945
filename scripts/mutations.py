"""Break each guard on purpose, in a copy, and see that the test named for it notices.

python scripts/mutations.py            break every guard: a few minutes
python scripts/mutations.py NAME …     only these
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "internals" / "mutations.md"
_SECONDS: Final = 300.0  # for the tests of one breakage
_TESTS_FAILED: Final = 1  # pytest's exit code: some tests failed; every other one is a mistake of ours

_INTRODUCTION: Final = """\
# Broken on purpose

A guard that no test misses is no guard. `python scripts/mutations.py` takes each of these guards away, one at
a time in a copy of the source, and runs the test named for it, which has to pass before and to fail after.
It runs weekly, and before a release.

| name | what is taken away | in | noticed by |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Mutation:
    """A guard, and how it is taken away.

    Attributes:
        name: names it on the command line.
        broken: what the program does then.
        path: the file, from the root of the repository.
        before: a piece of it that is there exactly once.
        after: what takes its place.
        test: the test that has to notice, as pytest names it; without parameters.
    """

    name: str
    broken: str
    path: str
    before: str
    after: str
    test: str


MUTATIONS: Final = (
    Mutation(
        "state-ignored",
        "A callback with any state is accepted",
        "core/authlens_core/oauth/authorization.py",
        "    if any(matches):\n",
        "    if True:\n",
        "tests/core/oauth/test_authorization.py::test_a_wrong_or_missing_state_is_outdated_whatever_else_is_there",
    ),
    Mutation(
        "words-of-another-server",
        "A cause of one product is shown for every server",
        "core/authlens_core/diagnosis/diagnose.py",
        "            (cause.kinds, self.kind),\n",
        "",
        "tests/core/login/test_whose_words.py::test_a_refusal_of_a_plain_server_has_no_word_of_cloudflare",
    ),
    Mutation(
        "bare-code-taken",
        "A code that is pasted alone is taken without a question",
        "core/authlens_core/oauth/authorization.py",
        "    if not expected.any_state:\n",
        "    if False:\n",
        "tests/core/oauth/test_authorization.py::test_a_code_alone_is_taken_only_if_the_user_decides_so_and_with_a_warning",
    ),
    Mutation(
        "unproven-words",
        "An error without a state is shown in the sender's words",
        "core/authlens_core/oauth/authorization.py",
        '        return error if error in _REGISTERED else "an unregistered error"\n',
        "        return error\n",
        "tests/core/oauth/test_authorization.py::test_an_error_without_a_state_is_named_in_no_words_of_the_sender",
    ),
    Mutation(
        "iss-ignored",
        "A callback from any issuer is accepted",
        "core/authlens_core/oauth/authorization.py",
        "    if is_issuer(iss, expected.issuer):\n",
        "    if True:\n",
        "tests/core/oauth/test_authorization.py::test_the_table_of_the_issuer",
    ),
    Mutation(
        "redirect-followed",
        "A redirect is followed with everything that was sent",
        "core/authlens_core/wire/client.py",
        "            response = await transport.handle_async_request(prepared)\n",
        "            response = await transport.handle_async_request(prepared)\n"
        "            if 300 <= response.status_code < 400:\n"
        '                prepared.url = prepared.url.join(response.headers["location"])\n'
        "                response = await transport.handle_async_request(prepared)\n",
        "tests/wild/test_wire_routing.py::test_a_redirect_is_shown_and_not_followed",
    ),
    Mutation(
        "fields-printed",
        "A crash report shows the fields of a request, a header or a URL",
        "core/authlens_core/values/secret.py",
        "        return []\n",
        "        return [(name, getattr(self, name)) for name in type(self).__match_args__]\n",
        "tests/core/test_secrets_hidden.py::test_no_way_of_printing_a_value_shows_what_is_secret_in_it",
    ),
    Mutation(
        "text-unescaped",
        "Control characters of a server reach the terminal",
        "core/authlens_core/values/safe_text.py",
        '        visible = "\\n".join(map(_printable, visible.split("\\n")))\n',
        "        pass\n",
        "tests/core/values/test_safe_text.py::test_what_a_terminal_obeys_is_made_visible",
    ),
    Mutation(
        "deadline-removed",
        "A server may take as long as it likes",
        "core/authlens_core/wire/client.py",
        "async with asyncio.timeout(seconds) as deadline:",
        "async with asyncio.timeout(seconds + 60) as deadline:",
        "tests/wild/test_wire_limits.py::test_a_server_that_never_ends_is_left_at_the_deadline",
    ),
    Mutation(
        "body-unbounded",
        "A body of any length is read",
        "core/authlens_core/wire/response_reader.py",
        "        if len(body) > limit:\n",
        "        if False:\n",
        "tests/wild/test_wire_limits.py::test_an_endless_body_is_left_at_the_limit",
    ),
    Mutation(
        "compression-accepted",
        "A compressed body is taken as it is",
        "core/authlens_core/wire/response_reader.py",
        'if name.strip() not in {"", "identity"}]',
        'if name.strip() not in {"", "identity", "gzip", "br", "deflate"}]',
        "tests/wild/test_wire_limits.py::test_a_compressed_answer_is_refused_and_never_decoded",
    ),
    Mutation(
        "parser-trusted",
        "A connection is used again with bytes left in its parser",
        "core/authlens_core/wire/transport.py",
        "            if not self._kept or _has_more(self._answer):\n",
        "            if not self._kept:\n",
        "tests/wild/test_wire_stale_bytes.py::test_the_next_answer_is_that_of_the_next_request",
    ),
    Mutation(
        "record-trusted",
        "A connection is used again with a record of TLS that no one read",
        "core/authlens_core/wire/transport.py",
        "                return _holds_a_record(self._tls) or _is_readable(self._socket)\n",
        "                return _is_readable(self._socket)\n",
        "tests/wild/test_wire_stale_bytes.py::test_the_next_answer_is_that_of_the_next_request",
    ),
    Mutation(
        "socket-trusted",
        "A connection is used again with bytes in its socket",
        "core/authlens_core/wire/transport.py",
        "                return _holds_a_record(self._tls) or _is_readable(self._socket)\n",
        "                return _holds_a_record(self._tls) or self._socket.fileno() < 0\n",
        "tests/wild/test_wire_stale_bytes.py::test_the_next_answer_is_that_of_the_next_request",
    ),
    Mutation(
        "reader-left-waiting",
        "A connection that is closed leaves its reader waiting",
        "core/authlens_core/wire/transport.py",
        "                self._socket.shutdown(socket.SHUT_RDWR)\n",
        "                pass\n",
        "tests/core/wire/test_stream.py::test_a_read_that_waits_ends_when_everything_is_closed",
    ),
    Mutation(
        "loop-starved",
        "A server that never stops sending keeps the deadline from its turn",
        "core/authlens_core/wire/transport.py",
        "        await asyncio.sleep(0)\n        data = await",
        "        data = await",
        "tests/core/wire/test_network_backend.py::test_a_flood_leaves_others_their_turn",
    ),
    Mutation(
        "answer-dropped",
        "An answer that was read is lost if the deadline ends while its connection closes",
        "core/authlens_core/wire/client.py",
        "            if attempt.ended:\n",
        "            if False:\n",
        "tests/core/wire/test_client.py::"
        "test_an_answer_that_was_read_outlives_a_deadline_that_ends_while_the_connection_closes",
    ),
    Mutation(
        "digest-unchecked",
        "A stored secret is believed whatever its digest",
        "core/authlens_core/credentials/store/chunked_secret.py",
        "    if _digest(whole, key, generation) != sha256:\n",
        "    if False:\n",
        "tests/core/credentials/vault/test_generations.py::test_damaged_secrets_are_noticed",
    ),
    Mutation(
        "read-back-skipped",
        "A stored secret is not compared with what was to be stored",
        "core/authlens_core/credentials/vault/generations.py",
        "            if not hmac.compare_digest(back.reveal(), text.reveal()):\n",
        "            if False:\n",
        "tests/core/credentials/vault/test_generations.py::test_a_store_that_gives_back_anothers_value_is_noticed",
    ),
    Mutation(
        "lock-skipped",
        "Two processes refresh at once",
        "core/authlens_core/state/locks.py",
        "            while not self._try(lock):\n",
        "            while False:\n",
        "tests/core/state/test_locks.py::test_a_busy_lock_is_an_error_in_time_that_names_the_holder",
    ),
    Mutation(
        "scheme-unchecked",
        "Endpoints are used over plain http",
        "core/authlens_core/values/url.py",
        '    if scheme == "http" and not (loopback_http and _is_loopback(host)):\n',
        "    if False:\n",
        "tests/core/values/test_url.py::test_http_is_refused_everywhere_else",
    ),
    Mutation(
        "listener-host-unchecked",
        "The callback listener answers to any host name",
        "core/authlens_core/login/callback/request_head.py",
        "        if len(hosts) != 1 or hosts[0] not in self._hosts:\n",
        "        if False:\n",
        "tests/wild/test_callback_requests.py::"
        "test_what_is_not_the_answer_of_a_browser_is_refused_and_the_wait_goes_on",
    ),
    Mutation(
        "listener-script-accepted",
        "The callback listener answers to a script of another page",
        "core/authlens_core/login/callback/request_head.py",
        '        if b"origin" in names or is_no_page_load(request.headers) or is_service_worker(',
        "        if is_service_worker(",
        "tests/wild/test_callback_requests.py::"
        "test_what_is_not_the_answer_of_a_browser_is_refused_and_the_wait_goes_on",
    ),
    Mutation(
        "listener-frame-accepted",
        "The callback listener answers to a frame of another page",
        "core/authlens_core/values/formats/fetch_metadata.py",
        ', b"sec-fetch-dest": b"document"}\n',
        "}\n",
        "tests/wild/test_callback_requests.py::"
        "test_what_is_not_the_answer_of_a_browser_is_refused_and_the_wait_goes_on",
    ),
    Mutation(
        "file-mode-open",
        "State files can be read by others",
        "core/authlens_core/state/paths.py",
        '            if sys.platform != "win32" and status.st_mode & 0o077:\n',
        "            if False:\n",
        "tests/core/state/test_paths.py::test_a_file_that_others_could_read_becomes_private",
    ),
    Mutation(
        "coverage-ignored",
        "A token is sent to any path of its origin",
        "core/authlens_core/values/url.py",
        "    return below(wide.path, narrow.path)\n",
        "    return 0\n",
        "tests/core/credentials/records/test_coverage.py::test_not_covered",
    ),
    Mutation(
        "private-addresses-reached",
        "A server may send the program to addresses of your network",
        "core/authlens_core/wire/addresses.py",
        "        if not is_global(address):\n            raise",
        "        if False:\n            raise",
        "tests/core/wire/test_addresses.py::test_one_private_address_among_public_ones_is_refused_and_named",
    ),
    Mutation(
        "issuer-unchecked",
        "Server metadata of another issuer is believed",
        "core/authlens_core/oauth/discovery/issuer.py",
        "    if stated == expected and accepted is None:\n",
        "    if True:\n",
        "tests/core/oauth/discovery/test_server_metadata.py::test_another_issuer_stops_the_login",
    ),
    Mutation(
        "s256-not-required",
        "A server without PKCE is logged in to",
        "core/authlens_core/oauth/discovery/server_metadata.py",
        "    if assumed:\n",
        "    if True:\n",
        "tests/core/oauth/discovery/test_server_metadata.py::test_a_server_without_s256_is_refused",
    ),
    Mutation(
        "accepted-name-not-compared",
        "After --issuer, a callback from any issuer is accepted",
        "core/authlens_core/oauth/discovery/issuer.py",
        "    return len(segments) == len(templates) and all(",
        "    return True or all(",
        "tests/core/login/test_overrides.py"
        "::test_the_iss_of_an_answer_is_compared_with_the_name_that_was_accepted",
    ),
    Mutation(
        "name-for-another-shell",
        "A name that a server gives itself is in a command, whatever a shell makes of it",
        "core/authlens_core/oauth/discovery/resource_metadata.py",
        "{resource if is_plain(resource) else 'RESOURCE'}",
        "{resource}",
        "tests/core/login/test_hostile_relaxations.py"
        "::test_a_name_that_a_shell_may_read_otherwise_is_in_no_command",
    ),
    Mutation(
        "place-holder-for-a-host",
        "A name with a place holder for the host accepts a callback from any server",
        "core/authlens_core/oauth/discovery/issuer.py",
        "_PATH: Final = 3\n",
        "_PATH: Final = 0\n",
        "tests/core/login/test_hostile_relaxations.py"
        "::test_a_place_holder_stands_for_a_part_of_the_path_alone",
    ),
    Mutation(
        "remembered-at-the-next-server",
        "What is remembered of one server counts at the one that the user changes to",
        "core/authlens_core/login/progress.py",
        "options=chosen)",
        "options=options)",
        "tests/core/login/test_hostile_relaxations.py"
        "::test_what_is_remembered_of_one_server_is_not_decided_for_the_next",
    ),
    Mutation(
        "remembered-at-any-server",
        "What a user decided for one server is in a login at another one",
        "core/authlens_core/login/facts.py",
        "self.remembered.get(identifier, ())",
        "next(iter(self.remembered.values()), ())",
        "tests/core/desk/test_remembered.py::test_a_decision_is_for_no_other_server",
    ),
    Mutation(
        "resource-of-another-origin",
        "A resource on another origin is accepted by --resource, and gets a token for that one",
        "core/authlens_core/oauth/discovery/resource_metadata.py",
        "    if stated_url.origin != requested.origin:\n",
        "    if stated_url.origin != requested.origin and resource != accepted:\n",
        "tests/core/login/test_overrides.py::test_a_resource_on_another_origin_is_never_accepted_here",
    ),
    Mutation(
        "token-type-ignored",
        "A token of any type is used as a bearer token",
        "core/authlens_core/oauth/token.py",
        "    if kind == expected.lower():\n",
        "    if kind:\n",
        "tests/core/oauth/test_token.py::test_a_token_of_another_type_may_not_be_used",
    ),
    Mutation(
        "secret-printed",
        "A secret that is printed shows its value",
        "core/authlens_core/values/secret.py",
        '        return f"<Secret {self.masked}>"\n',
        '        return f"<Secret {self._value}>"\n',
        "tests/core/values/test_secret.py::test_no_way_of_printing_shows_the_value",
    ),
    Mutation(
        "duplicate-keys-accepted",
        "JSON with a key twice is believed",
        "core/authlens_core/values/formats/json_document.py",
        "        if key in members:\n",
        "        if False:\n",
        "tests/core/values/formats/test_json_document.py::test_what_readers_would_read_in_different_ways_is_refused_with_the_reason",
    ),
    Mutation(
        "owner-unbound",
        "A stored secret is accepted for any owner",
        "core/authlens_core/credentials/store/chunked_secret.py",
        'sha256(f"{key}\\n{generation}\\n{text}".encode(',
        "sha256(text.encode(",
        "tests/core/credentials/vault/test_binding.py::test_swapped_entries_are_damaged_and_sent_nowhere",
    ),
    Mutation(
        "sites-apart-accepted",
        "The code of a login page goes to a token endpoint on another site unasked",
        "core/authlens_core/oauth/discovery/issuer.py",
        "    if is_duplicate or same_site(authorization, token):\n",
        "    if True:\n",
        "tests/core/oauth/discovery/test_server_metadata.py"
        "::test_a_login_page_on_another_site_than_the_token_endpoint_needs_a_yes_that_names_both",
    ),
    Mutation(
        "every-check-approved",
        "One --yes approves every check that may be approved",
        "tui/authlens_tui/cli/login/plain_login.py",
        "if not all(c.overridable and c.approval in approved for c in record.failures):",
        "if not all(c.overridable and approved for c in record.failures):",
        "tests/wild/test_approval_options.py::test_only_the_check_that_is_named_is_approved",
    ),
    Mutation(
        "device-page-unchecked",
        "A device code is shown whose page is on another site, unasked",
        "core/authlens_core/oauth/device_authorization.py",
        "    if same_site(page, server):\n",
        "    if True:\n",
        "tests/wild/test_device_page.py::test_a_relayed_code_is_shown_only_after_a_yes_that_names_both_hosts",
    ),
    Mutation(
        "client-of-another-flow",
        "A known client is used for a flow that it was not registered for",
        "core/authlens_core/login/stages/registration_stage.py",
        "    if stored_client.grant_types and facts.flow.grant_type not in stored_client.grant_types:\n",
        "    if not stored_client.grant_types:\n",
        "tests/core/login/test_registration.py"
        "::test_a_known_client_without_the_grant_type_of_the_flow_is_registered_anew",
    ),
    Mutation(
        "accepted-name-of-any-server",
        "A name that was accepted of one server is accepted of another that the resource names",
        "core/authlens_core/login/facts.py",
        "        return name if name != server and is_meant else None\n",
        "        return name if name != server else None\n",
        "tests/core/login/test_hostile_relaxations.py::"
        "test_a_name_that_was_accepted_of_one_server_is_accepted_of_no_other",
    ),
    Mutation(
        "login-time-unbounded",
        "--timeout does not bound the requests of a login",
        "core/authlens_core/login/progress.py",
        "        limit = asyncio.timeout_at(ends)\n",
        "        limit = asyncio.timeout_at(None)\n",
        "tests/tui/cli/login/test_time_of_a_login.py::test_the_user_has_what_the_server_left",
    ),
    Mutation(
        "assertion-command-left-running",
        "What an assertion command started outlives its time",
        "core/authlens_core/state/assertion_source.py",
        "            os.killpg(child.pid, signal.SIGKILL)\n",
        "            child.kill()\n",
        "tests/core/state/test_assertion_source.py::"
        "test_what_a_slow_command_started_does_not_hold_up_the_login",
    ),
    Mutation(
        "dead-login-removes-a-working-one",
        "A login removes a working one of another client",
        "core/authlens_core/credentials/vault/save_login.py",
        "(other.state is GrantState.LOGIN_NEEDED or other.client_id in lost_clients)",
        "other.state",
        "tests/core/desk/test_log_in.py::test_a_login_leaves_a_working_one_of_another_client",
    ),
    Mutation(
        "attack-on-any-request",
        "An attack on a program's token request changes the request to its identity provider",
        "core/authlens_core/login/tampering/tampering.py",
        "        if self._changed is not None or self._again or target not in (None, planned.purpose):\n",
        "        if self._changed is not None or self._again:\n",
        "tests/core/login/tampering/test_machine_experiments.py::"
        "test_a_server_that_verifies_refuses_the_attack_and_no_token_is_stored",
    ),
    Mutation(
        "device-code-shown-first",
        "A device code is in the record before its page was approved",
        "core/authlens_core/login/stages/device_stages.py",
        "            return StageResult(new, checks)\n        display_facts",
        "            pass\n        display_facts",
        "tests/core/login/test_device.py::test_a_page_on_another_site_is_shown_only_after_a_yes",
    ),
    Mutation(
        "device-wait-unbounded",
        "--timeout does not end the wait for a device code",
        "core/authlens_core/login/facts.py",
        "        return min(filter(None, (self.device_expires_at, self.device_until)), default=None)\n",
        "        return self.device_expires_at\n",
        "tests/core/login/test_device.py::test_a_wait_that_the_user_bounded_ends_before_the_code_does",
    ),
    Mutation(
        "step-ups-uncounted",
        "A resource that wants another scope each time has the user sign in for ever",
        "core/authlens_core/login/progress.py",
        "        again = self.facts.step_ups + 1\n",
        "        again = 0\n",
        "tests/core/login/test_step_up.py::test_another_scope_each_time_is_authorized_twice_more_at_most",
    ),
    Mutation(
        "tokens-lost-to-a-signal",
        "A signal while keys are fetched loses the tokens that were received",
        "core/authlens_core/login/stage_work.py",
        "                if planned.purpose not in _AFTER_THE_TOKENS:\n",
        "                if True:\n",
        "tests/wild/test_id_token.py"
        "::test_a_signal_while_the_keys_are_fetched_ends_the_fetch_and_loses_no_token",
    ),
    Mutation(
        "unsigned-without-keys",
        "An unsigned ID token passes when there are no keys",
        "core/authlens_core/oauth/id_token.py",
        "    if keys is None and not jwt.is_unsigned:\n",
        "    if keys is None:\n",
        "tests/core/oauth/test_id_token.py::test_a_token_that_no_one_signed_fails_with_any_keys_and_without",
    ),
    Mutation(
        "keys-of-a-stranger",
        "The keys of an ID token are fetched from any site",
        "core/authlens_core/login/stages/exchange_stage.py",
        " and same_site(keys, home) else None",
        " else None",
        "tests/core/login/test_openid.py::test_keys_elsewhere_are_not_fetched",
    ),
    Mutation(
        "bound-token-unbound",
        "A refresh stores a bearer token for a grant bound to a key",
        "core/authlens_core/credentials/lifecycle/refresh_operation.py",
        "        if is_bound(self.grant.token_type) and not is_bound(reading.value.token_type):\n",
        "        if False:\n",
        "tests/core/credentials/lifecycle/test_grant_signer.py"
        "::test_a_refresh_never_makes_a_bound_token_an_unbound_one",
    ),
    Mutation(
        "new-client-registered-again",
        "A client that this login registered is registered again when it is refused",
        "tui/authlens_tui/cli/login/plain_login.py",
        " and record.client_is_unknown and not run.client_is_new:",
        " and record.client_is_unknown:",
        "tests/wild/test_approval_options.py"
        "::test_a_client_that_this_login_registered_is_not_called_stored_and_registered_again",
    ),
    Mutation(
        "two-metadata-urls",
        "A challenge that names two metadata URLs is passed over",
        "core/authlens_core/values/formats/challenge.py",
        "    if field.contradictions:\n",
        "    if False:\n",
        "tests/core/values/formats/test_challenge.py"
        "::test_two_different_metadata_urls_in_one_challenge_are_refused_whatever_another_names",
    ),
    Mutation(
        "pushed-requests-skipped",
        "Required pushed requests are skipped when their endpoint cannot be used",
        "core/authlens_core/oauth/discovery/server_metadata.py",
        "    if endpoint is not None:\n        yield check.passed(endpoint.text)\n",
        "    if named is not None:\n        yield check.passed(str(named))\n",
        "tests/core/oauth/discovery/test_server_metadata.py"
        "::test_an_endpoint_for_pushed_requests_that_cannot_be_used_is_none",
    ),
    Mutation(
        "hopeless-check-hidden",
        "A check that can be approved is reported though another stops the login",
        "core/authlens_core/trace/record.py",
        "        return min(self.failures, key=lambda check: check.overridable)\n",
        "        return self.failures[0]\n",
        "tests/core/trace/test_failure_reason.py::test_what_no_approval_helps_against_is_reported_first",
    ),
    Mutation(
        "any-cloudflared-link",
        "Any link that cloudflared prints is handed out",
        "core/authlens_core/login/cloudflared/access_login.py",
        "        if url is not None and url.host == self.host:\n",
        "        if url is not None:\n",
        "tests/core/login/cloudflared/test_access_login.py::test_a_link_on_another_host_is_not_handed_out",
    ),
    Mutation(
        "bridge-answers-twice",
        "A request that has an answer, or was cancelled, gets another one",
        "core/authlens_core/gateway/mcp_bridge.py",
        "        if self._is_owed():\n            del self._owed[request.request_id]\n",
        "        if self._owed.pop(request.request_id, True):\n",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_a_request_that_is_cancelled_gets_no_answer",
    ),
    Mutation(
        "bridge-foreign-response",
        "A response on the stream of another request is passed on",
        "core/authlens_core/gateway/mcp_bridge.py",
        "elif request is None or message.request_id not in (None, request.request_id):",
        "elif request is None:",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_a_response_on_the_stream_of_another_request_is_not_passed_on",
    ),
    Mutation(
        "bridge-broken-answer",
        "An answer that cannot be passed on leaves its request without one",
        "core/authlens_core/gateway/mcp_bridge.py",
        "            if request is not None and not broken.is_call:\n",
        "            if False:\n",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_an_answer_that_cannot_be_passed_on_is_an_error_that_says_why",
    ),
    Mutation(
        "bridge-own-fault",
        "An unexpected error of ours leaves its request without an answer",
        "core/authlens_core/gateway/mcp_bridge.py",
        "        except Exception as error:\n            failure = self._failure_of(error)\n",
        "        except AuthlensError as error:\n            failure = self._failure_of(error)\n",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_a_fault_of_our_own_is_an_answer_too",
    ),
    Mutation(
        "bridge-no-bound",
        "A request waits for ever",
        "core/authlens_core/gateway/mcp_bridge.py",
        "asyncio.timeout(self._limits.prompt if is_prompt else self._limits.request)",
        "asyncio.timeout(None)",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_a_server_that_never_answers_is_waited_for_within_a_bound",
    ),
    Mutation(
        "bridge-unwritable-id",
        "A request that is not sent is answered with an id that cannot be written",
        "core/authlens_core/grammars/json_rpc.py",
        "    if isinstance(request_id, str) and request_id.isprintable():\n",
        "    if isinstance(request_id, str):\n",
        "tests/core/grammars/test_json_rpc.py::test_a_broken_message_has_no_id_that_an_answer_cannot_name",
    ),
    Mutation(
        "bridge-large-integer",
        "An integer that no double holds is passed on",
        "core/authlens_core/grammars/json_rpc.py",
        "        if any(isinstance(value, int) and abs(value) > _LARGEST for value in values):\n",
        "        if False:\n",
        "tests/core/grammars/test_json_rpc.py::test_what_readers_do_not_read_alike_is_refused",
    ),
    Mutation(
        "bridge-mute-notifications",
        "Each notification that is not accepted delays the next requests by its whole time",
        "core/authlens_core/gateway/mcp_bridge.py",
        '        if message.method in ("initialize", "notifications/initialized"):\n',
        "        if message.method:\n",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_a_notification_that_is_not_accepted_does_not_delay_requests",
    ),
    Mutation(
        "bridge-half-line",
        "A pipe that is full ends a line in the middle",
        "tui/authlens_tui/cli/scripts/program_verbs.py",
        "            except BlockingIOError:\n                select.select([], ",
        "            except ChildProcessError:\n                select.select([], ",
        "tests/e2e/test_mcp_bridge_hostile.py::test_pipes_that_do_not_block_carry_whole_lines",
    ),
    Mutation(
        "bridge-id-in-use",
        "Two requests of one id are sent",
        "core/authlens_core/gateway/mcp_bridge.py",
        "        if message.is_request and message.request_id in self._owed:\n",
        "        if False:\n",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_a_request_with_the_id_of_another_one_is_not_sent",
    ),
    Mutation(
        "bridge-no-most",
        "Any number of requests is sent at once",
        "core/authlens_core/gateway/mcp_bridge.py",
        "        if len(self._tasks) >= _MOST_AT_ONCE:\n",
        "        if False:\n",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_too_many_requests_at_once_are_refused_one_by_one",
    ),
    Mutation(
        "bridge-silent-end",
        "Requests on their way get no answer when the input ends",
        "core/authlens_core/gateway/mcp_bridge.py",
        "                        await self._write(late.line(self._owed.popitem()[0]))\n",
        "                        self._owed.popitem()\n",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_requests_without_an_answer_get_one_when_the_input_ends",
    ),
    Mutation(
        "bridge-location",
        "A Location that is no URL ends the work on its request",
        "core/authlens_core/gateway/signed_stream.py",
        "    except (UrlRefused, ValueError):\n        pass\n",
        "    except UrlRefused:\n        pass\n",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_a_redirect_to_what_is_no_address_is_one_error",
    ),
    Mutation(
        "bridge-media-type",
        "A server's media type is shown as it is, within our words",
        "core/authlens_core/gateway/mcp_http.py",
        "kind if _MEDIA_TYPE.fullmatch(kind) else",
        "kind if kind else",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_a_media_type_is_shown_only_where_it_is_one",
    ),
    Mutation(
        "bridge-codes",
        "A server uses the error codes by which clients recognise a login that is needed",
        "core/authlens_core/gateway/mcp_failure.py",
        "    if code in _RESERVED:\n",
        "    if False:\n",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_a_server_cannot_use_the_codes_of_authlens",
    ),
    Mutation(
        "bridge-words",
        "A server's words look like the program's own in the log",
        "core/authlens_core/gateway/mcp_failure.py",
        '    return McpFailure(code, message, error.get("data"), note)\n',
        '    return McpFailure(code, message, error.get("data"))\n',
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_the_words_of_a_server_are_in_quotes_in_the_log",
    ),
    Mutation(
        "bridge-log",
        "A server fills the log",
        "core/authlens_core/gateway/mcp_bridge.py",
        "line not in self._notes and len(self._notes) < MOST_NOTES",
        "True",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_a_server_does_not_fill_the_log",
    ),
    Mutation(
        "bridge-retry",
        "A server has its stream resumed at once, over and over",
        "core/authlens_core/gateway/mcp_http.py",
        "max(event.retry / 1000, SHORTEST_PAUSE)",
        "event.retry / 1000",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_a_reconnection_is_never_at_once",
    ),
    Mutation(
        "bridge-backoff",
        "Reconnections that fail come at the same pace",
        "core/authlens_core/gateway/mcp_http.py",
        "self.pause * 2.0**self.in_vain",
        "self.pause",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_reconnections_that_bring_nothing_are_further_and_further_apart",
    ),
    Mutation(
        "bridge-event-id",
        "An id with control characters is sent in a header field",
        "core/authlens_core/gateway/mcp_http.py",
        "event.event_id if can_be_sent_back(event.event_id) else None",
        "event.event_id",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_a_stream_is_not_resumed_after_an_id_that_no_field_can_carry",
    ),
    Mutation(
        "bridge-version",
        "A version with a line end is sent in a header field",
        "core/authlens_core/gateway/mcp_http.py",
        "    if isinstance(value, str) and (not value or can_be_sent_back(value)):\n",
        "    if isinstance(value, str):\n",
        "tests/core/gateway/test_mcp_bridge_hostile.py::test_a_version_that_no_field_can_carry_is_one_error",
    ),
    Mutation(
        "bridge-session",
        "Each request that finds its session ended begins one of its own",
        "core/authlens_core/gateway/mcp_bridge.py",
        "                        if self._beginning is beginning:\n",
        "                        if True:\n",
        "tests/core/gateway/test_mcp_bridge.py::test_requests_that_find_their_session_ended_share_one_new_one",
    ),
    Mutation(
        "json-rpc-nan",
        "NaN is passed on as JSON",
        "core/authlens_core/grammars/json_rpc.py",
        "        body = msgspec.json.decode(text)\n",
        "        body = json.loads(text)\n",
        "tests/core/grammars/test_json_rpc.py::test_what_readers_do_not_read_alike_is_refused",
    ),
    Mutation(
        "json-rpc-line-ends",
        "A message has a line end in it for readers that know U+2028",
        "core/authlens_core/grammars/json_rpc.py",
        "        line = line.replace(character, escaped)\n",
        "        pass\n",
        "tests/core/grammars/test_json_rpc.py::test_a_message_is_one_line_for_every_reader",
    ),
    Mutation(
        "json-rpc-depth",
        "A message of any depth is passed on",
        "core/authlens_core/grammars/json_rpc.py",
        '    raise NotJsonRpc(f"it has more than {DEEPEST} levels", body)\n',
        "    return\n",
        "tests/core/grammars/test_json_rpc.py::test_what_readers_do_not_read_alike_is_refused",
    ),
    Mutation(
        "json-rpc-kinds",
        "A message with a result and an error is passed on",
        "core/authlens_core/grammars/json_rpc.py",
        "(members.method, members.result, members.error).count(UNSET) != 2",
        "(members.method, members.result, members.error).count(UNSET) > 2",
        "tests/core/grammars/test_json_rpc.py::test_an_object_of_no_kind_is_refused",
    ),
    Mutation(
        "json-rpc-long-line",
        "A line of any length is held",
        "core/authlens_core/grammars/json_rpc.py",
        "        line += first[: longest + 1 - len(line)]\n",
        "        line += first\n",
        "tests/core/grammars/test_json_rpc.py::test_of_a_line_that_is_too_long_one_byte_more_than_its_limit_is_held",
    ),
    Mutation(
        "events-no-limit",
        "An event of any size is held",
        "core/authlens_core/values/formats/server_sent_events.py",
        "        if self._size + len(self._text) > self._largest:\n",
        "        if False:\n",
        "tests/core/values/formats/test_server_sent_events.py::test_an_event_without_an_end_is_not_held",
    ),
    Mutation(
        "emulator-host",
        "A name that is rebound to this machine reaches the emulator's administration",
        "core/authlens_lab/emulator/admin.py",
        "if len(hosts) != 1 or hosts[0].lower() not in own:",
        "if not hosts:",
        "tests/lab/emulator/test_admin.py::test_only_its_own_host_and_origin_reach_the_administration",
    ),
    Mutation(
        "emulator-origin",
        "A page of another origin reaches the emulator's administration",
        "core/authlens_lab/emulator/admin.py",
        "    if foreign or not",
        "    if not",
        "tests/lab/emulator/test_admin.py::test_only_its_own_host_and_origin_reach_the_administration",
    ),
    Mutation(
        "emulator-fetch-metadata",
        "A page of another site reaches the emulator's administration",
        "core/authlens_lab/emulator/admin.py",
        " or not _OWN_SITES.issuperset(sites):",
        ":",
        "tests/lab/emulator/test_admin.py::test_only_its_own_host_and_origin_reach_the_administration",
    ),
    Mutation(
        "emulator-forms",
        "A form of a web page steers the emulator",
        "core/authlens_lab/emulator/admin.py",
        '    if request.method in _WITH_A_BODY and media_type != "application/json":\n',
        "    if False:\n",
        "tests/lab/emulator/test_admin.py::test_what_a_form_of_a_web_page_can_send_changes_nothing",
    ),
    Mutation(
        "link-followed",
        "A link in a project leads a writing verb to another file",
        "core/authlens_core/state/user_file.py",
        "    _require_no_link(file, spot, status, file.path)\n",
        "",
        "tests/core/state/test_user_file.py::test_a_link_is_refused_with_both_ends",
    ),
    Mutation(
        "other-repository-written",
        "A link in a project leads a writing verb into another repository",
        "core/authlens_core/state/user_file.py",
        "for folder in reversed(above) if",
        "for folder in above if",
        "tests/core/state/test_user_file.py"
        "::test_a_file_does_not_belong_to_a_repository_that_a_link_in_another_one_leads_to",
    ),
    Mutation(
        "directory-swapped",
        "A directory that becomes a link on the way is followed",
        "core/authlens_core/state/user_file.py",
        "_DIRECTORY | _NO_LINKS, dir_fd",
        "_DIRECTORY, dir_fd",
        "tests/core/state/test_user_file.py::test_a_directory_that_becomes_a_link_on_the_way_leads_nowhere",
    ),
    Mutation(
        "device-opened",
        "A device in the place of a file is opened",
        "core/authlens_core/state/regular_file.py",
        "        _require_readable(path, os.stat(name, dir_fd=directory, follow_symlinks=follow), limit)\n",
        "",
        "tests/core/state/test_regular_file.py::test_no_device_is_opened",
    ),
    Mutation(
        "swapped-file-read",
        "What a file becomes before it is opened is read",
        "core/authlens_core/state/regular_file.py",
        "            _require_readable(path, status, limit)\n",
        "",
        "tests/core/state/test_regular_file.py::test_a_file_that_becomes_something_else_before_it_is_opened_is_refused",
    ),
    Mutation(
        "growing-file-read",
        "A file that grows is read beyond the limit",
        "core/authlens_core/state/regular_file.py",
        "    if len(data) > limit:\n",
        "    if False:\n",
        "tests/core/state/test_regular_file.py::test_a_file_that_grows_while_it_is_read_is_refused",
    ),
    Mutation(
        "change-overwritten",
        "What another program changed meanwhile is overwritten",
        "core/authlens_core/state/user_file.py",
        "            if _identity(_version(file, spot)) != _identity(before):\n",
        "            if False:\n",
        "tests/core/state/test_user_file.py::test_a_change_while_the_new_content_is_written_is_noticed",
    ),
    Mutation(
        "new-file-replaces",
        "A new file replaces one that appeared meanwhile",
        "core/authlens_core/state/user_file.py",
        "        os.link(draft",
        "        os.replace(draft",
        "tests/core/state/test_user_file.py::test_a_link_that_comes_right_before_a_new_file_is_not_replaced",
    ),
    Mutation(
        "read-only-replaced",
        "A read-only file is replaced by a rename",
        "core/authlens_core/state/user_file.py",
        "    if not status.st_mode & stat.S_IWUSR:\n",
        "    if False:\n",
        "tests/tui/cli/test_hostile_folders.py::test_a_read_only_file_is_refused_with_what_makes_it_writable",
    ),
    Mutation(
        "umask-ignored",
        "A new file gets more rights than the umask leaves",
        "core/authlens_core/state/private_file.py",
        "                if mode not in (None, PRIVATE):\n",
        "                if mode := {None: 0o666, PRIVATE: None}.get(mode, mode):\n",
        "tests/core/state/test_user_file.py::test_a_new_file_has_the_mode_that_the_umask_leaves",
    ),
    Mutation(
        "needless-login-asked-for",
        "A login is asked for although the resource needs none",
        "core/authlens_core/desk/programs.py",
        "if not isinstance(missing, NotProtected):",
        "if missing:",
        "tests/tui/cli/test_refusals_followed.py::"
        "test_without_a_credential_no_login_is_asked_for_that_is_not_needed_or_not_possible",
    ),
    Mutation(
        "new-token-refreshed-again",
        "A token that is refused right after its refresh is to be refreshed",
        "core/authlens_core/desk/lifecycle.py",
        "is_new=True",
        "is_new=False",
        "tests/tui/cli/test_refusals_followed.py::"
        "test_a_token_that_is_refused_right_after_its_refresh_is_not_to_be_refreshed",
    ),
    Mutation(
        "foreign-skill-replaced",
        "The skill of someone else is replaced",
        "tui/authlens_tui/cli/scripts/agent_verbs.py",
        'before not in ("", text)',
        "False",
        "tests/tui/cli/test_hostile_folders.py::test_the_skill_of_someone_else_is_left_alone",
    ),
    Mutation(
        "httpx-redirect-leak",
        "httpx takes the credential along where a redirect leads",
        "core/authlens_core/desk/httpx_auth.py",
        "    copy.headers = _SentHeaders(copy.headers, fields)\n",
        "    copy.headers.update(fields)\n",
        "tests/core/desk/test_httpx_auth.py::test_a_redirect_to_another_origin_gets_no_credential",
    ),
    Mutation(
        "httpx-any-url",
        "httpx sends the credential to every URL of the client",
        "core/authlens_core/desk/httpx_auth.py",
        "        if not _is_served(source, steps.request.url):\n",
        "        if False:\n",
        "tests/core/desk/test_httpx_auth.py::test_a_request_for_another_url_has_no_credential",
    ),
    Mutation(
        "git-lines",
        "What git asks is split where Python sees the end of a line, not at LF alone",
        "core/authlens_core/desk/programs.py",
        '        yield from iter(lambda: stream.readline(LONGEST_LINE + 1), b"")\n',
        '        yield from (f"{line}\\n".encode() for line in stream.read().decode().splitlines())\n',
        "tests/tui/cli/test_standard_input.py::test_git_is_told_on_one_line_why_it_gets_nothing",
    ),
    Mutation(
        "git-unprintable",
        "A value of git may have characters that other readers take for the end of a line",
        "core/authlens_core/grammars/git_credential.py",
        "    if not text.isprintable():\n",
        "    if False:\n",
        "tests/core/grammars/test_git_credential.py"
        "::test_only_lf_ends_a_line_and_other_line_ends_refuse_the_request",
    ),
    Mutation(
        "git-name-twice",
        "Of two hosts in one request of git, one is taken",
        "core/authlens_core/grammars/git_credential.py",
        "            if name in names:\n",
        "            if False:\n",
        "tests/core/grammars/test_git_credential.py"
        "::test_what_readers_may_read_differently_is_refused_with_the_reason",
    ),
    Mutation(
        "git-after-the-end",
        "What follows the empty line is read as part of the request",
        "core/authlens_core/grammars/git_credential.py",
        "            break\n",
        "            continue\n",
        "tests/core/grammars/test_git_credential.py::test_nothing_after_the_empty_line_is_read",
    ),
    Mutation(
        "git-host",
        "The host of a request of git may have a path, a user name or a query in it",
        "core/authlens_core/grammars/git_credential.py",
        "    if _HOST.fullmatch(host) is None:\n",
        "    if False:\n",
        "tests/core/grammars/test_git_credential.py"
        "::test_a_host_is_a_name_with_an_optional_port_and_nothing_else",
    ),
    Mutation(
        "git-token-line",
        "A token with a line end in it is written to git",
        "core/authlens_core/grammars/git_credential.py",
        "    if _TOKEN.fullmatch(token.reveal()) is None or len(line) + 1 > LONGEST_LINE:\n",
        "    if False:\n",
        "tests/core/grammars/test_git_credential.py::test_a_token_that_a_line_cannot_carry_is_not_written",
    ),
    Mutation(
        "path-step",
        "Parts like `..;` are taken for names",
        "core/authlens_core/values/formats/url_path.py",
        "not any(re.match(_STEP, name) for name in names)",
        "True",
        "tests/core/credentials/records/test_path_confusions.py::test_an_ambiguous_path_is_below_no_path",
    ),
    Mutation(
        "path-slash",
        "What stands behind an escaped slash is not looked at",
        "core/authlens_core/values/formats/url_path.py",
        'all(map(_is_name, text.split("/")))',
        '_is_name(text.split("/")[0])',
        "tests/core/credentials/records/test_path_confusions.py::test_an_ambiguous_path_is_below_no_path",
    ),
    Mutation(
        "path-pictures",
        "A symbol that a server may write as a slash is a part of a name",
        "core/authlens_core/values/formats/url_path.py",
        '"/" if unicodedata.category(character) == "So" else character',
        "character",
        "tests/core/credentials/records/test_path_confusions.py::test_an_ambiguous_path_is_below_no_path",
    ),
    Mutation(
        "path-symbols",
        "A path may have percent signs after it is decoded, and symbols that servers map to slashes",
        "core/authlens_core/values/formats/url_path.py",
        "    if not all(map(_is_usual, text + normal)):\n",
        "    if False:\n",
        "tests/core/credentials/records/test_path_confusions.py::test_an_ambiguous_path_is_below_no_path",
    ),
    Mutation(
        "path-unchecked",
        "A path that starts with the resource's is below it, whatever follows",
        "core/authlens_core/values/formats/url_path.py",
        "(narrow[: len(wide)] != wide or is_ambiguous(path))",
        "narrow[: len(wide)] != wide",
        "tests/core/credentials/records/test_path_confusions.py::test_an_ambiguous_path_is_below_no_path",
    ),
    Mutation(
        "machine-unbound",
        "The source of a program's assertion can be edited in the index, and is used",
        "core/authlens_core/credentials/records/record_json.py",
        "return {**label, MACHINE: owner_digest(values)}",
        "return label",
        "tests/core/credentials/lifecycle/test_machine_renewal.py"
        "::test_a_file_that_was_edited_in_the_index_is_not_read",
    ),
    Mutation(
        "any-issued-type",
        "A token that an identity provider issues for another place is sent to the resource's server",
        "core/authlens_core/oauth/machine_grants.py",
        "if issued == ID_JAG:",
        "if issued != 0:",
        "tests/core/credentials/lifecycle/test_machine_renewal.py"
        "::test_what_a_provider_gives_for_another_place_is_no_token_of_ours",
    ),
    Mutation(
        "command-inherits-secret",
        "The command of a program's assertion inherits the client's secret",
        "core/authlens_core/state/assertion_source.py",
        "env=for_children(os.environ),",
        "env=dict(os.environ),",
        "tests/core/state/test_assertion_source.py::test_a_command_does_not_inherit_the_client_secret",
    ),
    Mutation(
        "type-unbound",
        "The type of a token can be edited in the index: a bound token goes out without a proof",
        "core/authlens_core/credentials/records/record_json.py",
        "label = {**owner, TOKEN_TYPE: record.token_type}",
        "label = owner",
        "tests/core/credentials/vault/test_binding.py"
        "::test_a_token_bound_to_a_key_cannot_be_sent_as_a_bearer_token",
    ),
    Mutation(
        "scope-shell",
        "A scope of the server becomes part of a command to run, whatever it is",
        "core/authlens_core/values/formats/challenge.py",
        "    return _PLAIN.fullmatch(text) is not None\n",
        "    return True\n",
        "tests/core/login/test_step_up.py::test_a_scope_that_is_not_a_plain_word_is_in_no_command",
    ),
    Mutation(
        "curl-options-unknown",
        "An option of curl that is not on the list goes to it",
        "core/authlens_core/grammars/curl.py",
        "        elif option not in ALONE:\n",
        "        elif False:\n",
        "tests/e2e/test_curl_options.py::test_no_option_of_this_curl_takes_the_credential_anywhere_else",
    ),
    Mutation(
        "curl-value-missing",
        "An option of curl without its value takes the one that authlens adds",
        "core/authlens_core/grammars/curl.py",
        "            if not queue:\n",
        "            if False:\n",
        "tests/core/grammars/test_curl_words.py::test_an_option_without_its_value_takes_none_of_ours",
    ),
    Mutation(
        "curl-value-forgotten",
        "An option of curl is known with another number of values",
        "core/authlens_core/grammars/curl.py",
        "    -E --key\n",
        "    -E --key --compressed\n",
        "tests/core/grammars/test_curl_words.py::test_each_option_takes_as_many_words_as_this_curl_says",
    ),
    Mutation(
        "device-code-text",
        "A code for a device may name another page",
        "core/authlens_core/oauth/device_authorization.py",
        "if check.severity is Severity.FAILURE or characters.isalnum():",
        "if True:",
        "tests/core/oauth/test_device_authorization.py::test_a_user_code_names_no_page",
    ),
    Mutation(
        "approval-of-any-host",
        "A yes for the page of one host is one for the page of any other",
        "core/authlens_core/values/check.py",
        'return f"{self.name}={self.host}" if self.host else self.name',
        "return self.name",
        "tests/wild/test_device_page.py::test_a_yes_for_one_page_is_none_for_that_of_another_site",
    ),
    Mutation(
        "other-programs-dashes",
        "argparse reads the words of another program, and removes one",
        "tui/authlens_tui/cli/main.py",
        '    if "--" not in argv or argv[0] not in _OTHER_PROGRAM:\n        return argv, ()\n',
        "    return argv, ()\n",
        "tests/tui/cli/test_main.py::test_each_word_behind_the_first_dashes_is_kept",
    ),
    Mutation(
        "curl-body-sent-twice",
        "A request whose body was a stream is sent again, without it",
        "core/authlens_core/grammars/curl.py",
        '"--upload-file" not in self.values and not any(map(_FILE.match, values))',
        "True",
        "tests/core/gateway/test_authorized_curl.py::test_only_what_can_be_read_twice_is_sent_twice",
    ),
    Mutation(
        "refused-token-given",
        "A token that the resource refuses is given until its clock runs out",
        "core/authlens_core/credentials/lifecycle/refresh.py",
        "            if stored.last_verdict is not TokenVerdict.REFUSED:\n",
        "            if True:\n",
        "tests/core/gateway/test_authorized_curl.py"
        "::test_a_token_that_cannot_be_renewed_is_known_to_be_refused_from_then_on",
    ),
    Mutation(
        "dpop-nonce-of-the-other-role",
        "The resource gets the nonce of the authorization server on its origin",
        "core/authlens_core/oauth/dpop.py",
        '    return f"resource {origin}" if is_bound(scheme) else origin\n',
        "    return origin\n",
        "tests/core/oauth/test_dpop.py::test_on_one_origin_the_resource_has_a_nonce_of_its_own",
    ),
    Mutation(
        "asked-port-replaced",
        "A port that was asked for is replaced where another login has it",
        "core/authlens_core/login/callback_wait.py",
        "            other = taken.beside_login if usual else 0\n",
        "            other = taken.beside_login\n",
        "tests/core/login/test_callback_wait.py::test_two_logins_that_want_one_port_have_two",
    ),
    Mutation(
        "curl-proxy-untrusted",
        "curl does not trust a proxy whose authority authlens trusts",
        "core/authlens_core/gateway/curl.py",
        'for peer in ("", "proxy-") for',
        'for peer in ("",) for',
        "tests/core/gateway/test_curl_call.py::test_a_proxy_with_tls_is_trusted_as_the_site_is",
    ),
    Mutation(
        "curlrc-read",
        "curl reads .curlrc, which may name another URL",
        "core/authlens_core/gateway/curl.py",
        '["curl", "-q", *request.arguments',
        '["curl", *request.arguments',
        "tests/core/gateway/test_curl_call.py::test_no_file_of_options_is_read",
    ),
    Mutation(
        "curl-proxied",
        "A proxy of the environment sees what is meant for this machine",
        "core/authlens_core/gateway/curl.py",
        "    if is_never_proxied(host):\n",
        "    if False:\n",
        "tests/core/gateway/test_curl_call.py::test_no_proxy_sees_what_is_meant_for_this_machine",
    ),
    Mutation(
        "curl-follows",
        "curl follows a redirect, and takes the credential with it",
        "core/authlens_core/grammars/curl.py",
        '        if name != "--location":\n',
        "        if True:\n",
        "tests/core/gateway/test_curl_call.py::test_a_redirect_is_not_followed",
    ),
    Mutation(
        "curl-pattern",
        "curl takes braces for a pattern, and sends several requests",
        "core/authlens_core/gateway/curl.py",
        '[("globoff", None), ',
        "[",
        "tests/core/gateway/test_curl_call.py::test_a_name_of_a_file_is_no_pattern",
    ),
    Mutation(
        "curl-path-shortened",
        "curl may shorten the path, or use another protocol",
        "core/authlens_core/gateway/curl.py",
        ', ("path-as-is", None), ("proto", f"={address.scheme}")]',
        "]",
        "tests/core/gateway/test_curl_call.py::test_what_authlens_adds_comes_last_and_says_where_it_goes",
    ),
    Mutation(
        "curl-keys-logged",
        "curl writes the keys of the connection where the environment says",
        "core/authlens_core/gateway/curl.py",
        '_NOT_FOR_CURL: Final = ("CURL_CA_BUNDLE", "SSLKEYLOGFILE")',
        '_NOT_FOR_CURL: Final = ("CURL_CA_BUNDLE",)',
        "tests/core/gateway/test_curl_call.py::test_a_proxy_of_the_environment_carries_https_and_sees_a_tunnel",
    ),
    Mutation(
        "curl-trusts-others",
        "curl trusts what CURL_CA_BUNDLE names, and authlens does not",
        "core/authlens_core/gateway/curl.py",
        '_NOT_FOR_CURL: Final = ("CURL_CA_BUNDLE", "SSLKEYLOGFILE")',
        '_NOT_FOR_CURL: Final = ("SSLKEYLOGFILE",)',
        "tests/core/gateway/test_curl_call.py::test_curl_trusts_whom_authlens_trusts",
    ),
    Mutation(
        "curl-trusts-its-own",
        "curl trusts its own authorities besides the ones that are named",
        "core/authlens_core/gateway/curl.py",
        '(("cacert", file), ("capath", directory or "/dev/null"))',
        '(("cacert", file),)',
        "tests/core/gateway/test_curl_call.py::test_one_setting_of_trust_replaces_both_of_curls",
    ),
    Mutation(
        "curl-value-unchecked",
        "A line end in a value for curl starts another field or request",
        "core/authlens_core/grammars/curl.py",
        "if name not in _MULTILINE and has_control_character(value):",
        "if False:",
        "tests/core/grammars/test_curl_request.py::test_no_value_starts_another_request_or_line",
    ),
    Mutation(
        "curl-method-unchecked",
        "The method for curl may hold another request",
        "core/authlens_core/grammars/curl.py",
        "(not is_token(value) or value.upper() in _NOT_SENT)",
        "value.upper() in _NOT_SENT",
        "tests/core/grammars/test_curl_request.py::test_no_value_starts_another_request_or_line",
    ),
    Mutation(
        "curl-trace",
        "curl asks for an answer that repeats the credential",
        "core/authlens_core/grammars/curl.py",
        "(not is_token(value) or value.upper() in _NOT_SENT)",
        "not is_token(value)",
        "tests/core/grammars/test_curl_request.py::test_no_value_starts_another_request_or_line",
    ),
    Mutation(
        "curl-upload-anywhere",
        "curl completes the URL with the name of a file",
        "core/authlens_core/grammars/curl.py",
        'if name == "--upload-file" and not urlsplit',
        "if False and not urlsplit",
        "tests/core/grammars/test_curl_request.py::test_an_upload_needs_the_whole_url",
    ),
    Mutation(
        "curl-host-changed",
        "A field Host takes the credential to another site",
        "core/authlens_core/grammars/curl.py",
        'field == "host" or names_a_place',
        "names_a_place",
        "tests/core/grammars/test_curl_request.py::"
        "test_a_field_that_changes_where_it_goes_or_the_credential_is_refused",
    ),
    Mutation(
        "curl-credential-replaced",
        "A field of the command line has the name of the one with the credential",
        "core/authlens_core/gateway/curl.py",
        "user_fields.intersection(name.lower() for name, _ in fields):",
        "set[str]():",
        "tests/core/grammars/test_curl_request.py::"
        "test_a_field_that_changes_where_it_goes_or_the_credential_is_refused",
    ),
    Mutation(
        "curl-copy-any-url",
        "A copied request may have a file or an option of curl for its URL",
        "core/authlens_core/export/curl_commands.py",
        "    return _CALLABLE.fullmatch(url) is not None\n",
        "    return True\n",
        "tests/core/export/test_curl_commands.py::test_what_curl_would_read_as_something_else_is_no_command",
    ),
    Mutation(
        "curl-copy-any-field",
        "A copied header field may name a file that is sent, or start another line",
        "core/authlens_core/values/formats/curl_header.py",
        "    if not is_token(name) or has_control_character(value):\n",
        "    if False:\n",
        "tests/core/export/test_curl_commands.py::test_a_field_is_sent_as_it_is_or_said_to_be_left_out",
    ),
    Mutation(
        "curl-copy-a-pattern",
        "curl takes a copied URL for a pattern of several",
        "core/authlens_core/export/curl_commands.py",
        "for option, pattern in _TAKEN_AS_IT_IS if pattern.search(url)",
        "for option, pattern in ()",
        "tests/e2e/test_curl_replay.py::test_a_copied_request_arrives_as_it_was_recorded",
    ),
    Mutation(
        "two-framings-let-in",
        "A request with Content-Length and Transfer-Encoding is passed on",
        "core/authlens_core/grammars/http_framing.py",
        '    if sum(name in _FRAMING for name, _ in fields) > 1:\n        return "more than one',
        '    if False:\n        return "more than one',
        "tests/core/gateway/test_request_smuggling.py::test_what_is_ambiguous_is_refused_and_the_connection_ends",
    ),
    Mutation(
        "line-feeds-let-in",
        "A line of a request may end in LF alone",
        "core/authlens_core/grammars/http_framing.py",
        '        if field is None:\n            return "a header line',
        '        if field is None:\n            continue\n            return "a header line',
        "tests/core/gateway/test_request_smuggling.py::test_what_is_ambiguous_is_refused_and_the_connection_ends",
    ),
    Mutation(
        "upgrade-with-body",
        "A WebSocket handshake may have a body, or a request behind it",
        "core/authlens_core/grammars/http_framing.py",
        "    if following or is_chunked(fields) or body_length(fields):\n",
        "    if False:\n",
        "tests/core/gateway/test_request_smuggling.py::test_what_is_ambiguous_is_refused_and_the_connection_ends",
    ),
    Mutation(
        "trace-passed",
        "TRACE reaches the resource, which answers with the credential",
        "core/authlens_core/gateway/admission.py",
        'frozenset({"TRACE", "TRACK", "CONNECT"})',
        'frozenset({""})',
        "tests/core/gateway/test_request_smuggling.py::test_what_is_ambiguous_is_refused_and_the_connection_ends",
    ),
    Mutation(
        "odd-status-passed",
        "A status that is none of HTTP reaches the server of the proxy",
        "core/authlens_core/grammars/http_framing.py",
        "    if not 200 <= status <= 599:\n",
        "    if False:\n",
        "tests/core/gateway/test_answer_smuggling.py::test_any_answer_of_the_resource_is_one_for_the_client",
    ),
    Mutation(
        "location-with-tab",
        "A Location that browsers read differently is passed on",
        "core/authlens_core/gateway/signed_stream.py",
        "        if not _CONTROL.search(location):\n",
        "        if True:\n",
        "tests/core/gateway/test_answer_smuggling.py::test_any_answer_of_the_resource_is_one_for_the_client",
    ),
    Mutation(
        "other-account-served",
        "The proxy serves every account that knows its URL",
        "core/authlens_core/gateway/http_protocol.py",
        "        if self._stranger is not None:\n",
        "        if False:\n",
        "tests/core/gateway/test_peer_account.py::test_a_program_that_is_not_served_gets_one_answer_whatever_it_sends",
    ),
    Mutation(
        "orphan-is-root",
        "A socket that its program has closed counts as root's",
        "core/authlens_core/values/formats/linux_sockets.py",
        "    return int(account) if inode else None\n",
        "    return int(account)\n",
        "tests/core/gateway/test_peer_account.py::test_a_socket_that_no_program_has_any_more_is_no_ones",
    ),
    Mutation(
        "unknown-account-served",
        "A program whose account the system does not tell is served",
        "core/authlens_core/gateway/admission.py",
        '        return ProxyRefusal(403, "unknown_account", cause, _CURE)\n',
        "        return None\n",
        "tests/core/gateway/test_peer_account.py::test_this_account_and_root_are_served_and_no_one_who_is_not_known",
    ),
    Mutation(
        "other-page-let-in",
        "A page of another site leads a browser into the proxy",
        "core/authlens_core/gateway/admission.py",
        "    if is_from_another_origin(fields):\n",
        "    if False:\n",
        "tests/core/gateway/test_admission.py::test_only_the_user_and_the_resources_own_pages_are_let_in_from_a_browser",
    ),
    Mutation(
        "service-worker-served",
        "A resource's service worker outlives its proxy",
        "core/authlens_core/gateway/admission.py",
        "    if is_service_worker(fields):\n",
        "    if False:\n",
        "tests/core/gateway/test_admission.py::test_only_the_user_and_the_resources_own_pages_are_let_in_from_a_browser",
    ),
    Mutation(
        "secret-path-told",
        "Browsers tell other sites the secret path",
        "core/authlens_core/gateway/forwarding.py",
        '    (b"Referrer-Policy", b"same-origin"),\n',
        "",
        "tests/core/gateway/test_admission.py::test_every_answer_keeps_the_secret_path_from_other_sites",
    ),
    Mutation(
        "cookies-of-others-sent",
        "Cookies of other programs on this machine reach the resource",
        "core/authlens_core/gateway/forwarding.py",
        "        everyone = not mapping.local\n",
        "        everyone = True\n",
        "tests/core/gateway/test_admission.py::test_only_cookies_that_the_resource_has_set_go_to_it",
    ),
    Mutation(
        "proxy-serves-more",
        "A proxy for a path serves all that the credential is for",
        "core/authlens_core/gateway/admission.py",
        "    if credential.serves(path):\n",
        "    if credential.covers(path):\n",
        "tests/core/gateway/test_admission.py::test_a_proxy_serves_what_it_was_given_although_the_credential_is_for_more",
    ),
    Mutation(
        "field-leads-elsewhere",
        "A field names a place that the proxy does not serve",
        "core/authlens_core/gateway/admission.py",
        "        if names_a_place(name):\n",
        "        if False:\n",
        "tests/core/gateway/test_admission.py::test_no_field_leads_to_a_place_that_is_not_served",
    ),
    Mutation(
        "destination-tells-secret",
        "WebDAV's Destination tells the resource the secret path",
        "core/authlens_core/gateway/forwarding.py",
        'frozenset({b"referer", b"destination"})',
        'frozenset({b"referer"})',
        "tests/core/gateway/test_admission.py::test_no_field_leads_to_a_place_that_is_not_served",
    ),
    Mutation(
        "method-in-a-field",
        "A field makes a request TRACE for some servers",
        "core/authlens_core/gateway/admission.py",
        "if is_read_as(name, _METHOD_FIELDS)]",
        "if name in _METHOD_FIELDS]",
        "tests/core/gateway/test_admission.py::test_no_field_makes_a_request_one_that_is_repeated",
    ),
    Mutation(
        "null-origin-let-in",
        "A page without an origin is let in",
        "core/authlens_core/gateway/admission.py",
        '    if _values(fields, b"sec-fetch-site") == [b"same-origin"]:\n',
        "    if True:\n",
        "tests/core/gateway/test_admission.py::test_only_the_user_and_the_resources_own_pages_are_let_in_from_a_browser",
    ),
    Mutation(
        "embedded-address-public",
        "A private IPv4 address inside an IPv6 one counts as public",
        "core/authlens_core/wire/addresses.py",
        "    if embedded is not None and not _is_public_ipv4(embedded):\n",
        "    if False:\n",
        "tests/core/wire/test_addresses.py::test_an_address_inside_a_network_is_not_global",
    ),
    Mutation(
        "text-wrapped-at-no-width",
        "A widget without a size, in a terminal of few rows, ends the program",
        "tui/authlens_tui/terminal/content.py",
        "super().wrap(max(1, width), ",
        "super().wrap(width, ",
        "tests/tui/terminal/test_content.py::test_text_is_wrapped_at_any_width",
    ),
    Mutation(
        "ctrl-c-not-in-dialogs",
        "ctrl+c is not answered in a dialog",
        "tui/authlens_tui/terminal/terminal_app.py",
        '"interrupt", show=False, system=True, priority=True)',
        '"interrupt", show=False, system=True)',
        "tests/tui/terminal/test_quitting.py::test_in_a_dialog_the_key_that_goes_back_is_named_too",
    ),
    Mutation(
        "traces-left-open",
        "Closing the credentials leaves the file of the traces open",
        "core/authlens_core/credentials/vault/credentials.py",
        "            self.traces.close()\n",
        "",
        "tests/core/credentials/records/test_open_connections.py"
        "::test_closing_credentials_closes_index_and_traces",
    ),
    Mutation(
        "toast-left-painted",
        "A toast that has gone stays on the terminal",
        "tui/authlens_tui/terminal/terminal_app.py",
        "        app.call_later(top.call_after_refresh, top.refresh)\n",
        "        pass\n",
        "tests/tui/terminal/test_quitting.py"
        "::test_a_toast_that_goes_is_painted_over_although_the_map_of_widgets_is_newer",
    ),
)


def page() -> str:
    """Return docs/internals/mutations.md."""
    rows = (
        f"| {one.name} | {one.broken} | [{Path(one.path).name}](../../{one.path}) "
        f"| [{one.test.rpartition('::')[2]}](../../{one.test.partition('::')[0]}) |\n"
        for one in MUTATIONS
    )
    return _INTRODUCTION + "".join(rows)


def _run(copy: Path, *tests: str) -> tuple[int, str]:
    """Run tests against the copy; return pytest's exit code and what it said last."""
    roots = os.pathsep.join(str(copy / root) for root in ("core", "tui"))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "--tb=line",
        *tests,
    ]
    environ = os.environ | {"PYTHONPATH": roots, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.run(
        command, cwd=copy, env=environ, check=False, capture_output=True, text=True, timeout=_SECONDS
    )
    failed = [line for line in process.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return process.returncode, "\n".join(failed) or process.stdout[-500:]


def noticed(copy: Path, mutation: Mutation) -> str:
    """Take one guard away and put it back; return what is wrong, empty where the test noticed."""
    source = copy / mutation.path
    text = source.read_text("utf-8")
    if text.count(mutation.before) != 1:
        return f"its code is in {mutation.path} {text.count(mutation.before)} times"
    source.write_text(text.replace(mutation.before, mutation.after), "utf-8")
    try:
        code, output = _run(copy, mutation.test)
    finally:
        source.write_text(text, "utf-8")
    if code != _TESTS_FAILED:
        return f"nothing noticed it (pytest ended with {code}): {output}"
    sys.stdout.write(f"   {output}\n")
    return ""


def main(arguments: Sequence[str]) -> int:
    """Break what the command line names, or everything; return 1 where something went unnoticed."""
    if not {one.name for one in MUTATIONS}.issuperset(arguments):
        sys.stderr.write(f"{__doc__}\nThe names are in {PAGE.relative_to(ROOT)}.\n")
        return 2
    chosen = [one for one in MUTATIONS if not arguments or one.name in arguments]
    unnoticed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("core", "tui", "tests", "scripts", "pyproject.toml"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(
                    source, copy / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__")
                )
            else:
                shutil.copy(source, copy / name)
        code, output = _run(copy, *(one.test for one in chosen))
        if code != 0:
            sys.stdout.write(f"the tests fail although nothing is broken: {output}\n")
            return 1
        for mutation in chosen:
            problem = noticed(copy, mutation)
            if problem:
                unnoticed += 1
            sys.stdout.write(f"{'✖' if problem else '✔'} {mutation.name}: {problem or mutation.broken}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - unnoticed} of {len(chosen)} noticed\n")
    return 1 if unnoticed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
