"""The rules, pure and synchronous: values in, values or refusals out.

Nothing here touches a database, a network, a clock or chance."""
