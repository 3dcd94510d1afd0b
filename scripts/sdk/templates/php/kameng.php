<?php

declare(strict_types=1);

require_once __DIR__ . '/src/errors.php';
require_once __DIR__ . '/src/models.php';
require_once __DIR__ . '/src/Client.php';
require_once __DIR__ . '/src/Webhook.php';
