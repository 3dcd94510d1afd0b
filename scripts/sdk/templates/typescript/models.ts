/** What goes over the wire. Members that came after this SDK was made are there, and have no type. */

@models@
