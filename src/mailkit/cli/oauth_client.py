"""`mailkit oauth-client`: applications that log people in here. They are public clients: there is no secret."""

from mailkit.cli.principal_verbs import principal_noun

__all__ = ["oauth_client"]

oauth_client = principal_noun(
    "oauthClient",
    "Add, list, show, edit and delete OAuth clients; NAME is the client_id.",
    columns=("name", "display", "redirects", "contacts"),
)
