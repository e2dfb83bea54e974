"""Security headers, as in OWASP's cheat sheet on REST. ``Strict-Transport-Security`` is for the proxy with TLS."""

HEADERS = {
    "x-content-type-options": "nosniff",  # browsers must not guess a response's type
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",  # no other site may embed an answer; CORS is not affected
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
}
"""Of every response."""
CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""Of every response that is not a page with a policy of its own: opened in a browser, it can load and do nothing."""
