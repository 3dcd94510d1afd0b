// Package kameng is a client of Kameng's Open API: it signs, sends and repeats. Money is a decimal as text, ids are
// text, times are RFC 3339 in UTC. A pointer is nil where the member was left out or null.
package kameng

@models@
