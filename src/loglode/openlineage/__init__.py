"""Report to other systems what ran and what it read and wrote: OpenLineage 2-0-2 (https://openlineage.io).

The official client takes half a second to import, so only modules that are used with a destination import it:
`transports` and `emitter`. `destinations` does not.
"""
