"""The one list of tables that every table of the server is entered in."""

from sqlalchemy import MetaData

metadata = MetaData()
