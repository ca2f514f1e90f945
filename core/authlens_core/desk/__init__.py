"""What authlens offers, as functions and values, for the command line, the app and Python programs.

Read this, and you know what authlens does. Each module is one thing to do, and docs/scripts.md shows it.

Begin with a session (`session`): the secret store, the records and the sender of one run of a program.
Nearly every function takes it first.

- **Get a credential.** `log_in` starts a login, continues one, joins that of another process, or changes one
  on purpose to see who refuses it. `cloudflared_login` is for a resource without OAuth. `callback_offer` says
  how the browser gets back to this machine.
- **Use it.** `use` returns the token, or the header fields, for a URL. `stored_token` is its short way.
  `httpx_auth` does it for a client of httpx. `programs` hands the credential to curl and git, and
  serves it to others through a local proxy or an MCP bridge. `agents` sets up a coding agent.
- **Look after it.** `credentials` lists what is stored, and what happened to it. `lifecycle` refreshes,
  revokes and probes. `forget` removes it, and restores it. `signatures` verifies the tokens in a record.
- **This machine.** `session` also says where secrets are, and moves them. `settings` has what the user has
  set. `doctor` examines what a login depends on.

Nothing here prints, asks or opens a browser. What goes wrong is an `AuthlensError`; what is done to many
credentials returns a result instead. The rooms below are private: they may change in any release.
"""
