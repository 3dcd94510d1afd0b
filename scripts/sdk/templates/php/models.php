<?php

/**
 * What goes over the wire. Money is a decimal as text (use bcmath, never floats), ids are text, times are RFC 3339 in
 * UTC. Members newer than this SDK are overlooked.
 */

declare(strict_types=1);

namespace Kameng;

@models@
