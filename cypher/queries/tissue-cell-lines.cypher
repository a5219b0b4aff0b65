// name: tissue-cell-lines
// topic: Tissues
// about: Cell lines of a tissue, with the number of their measured responses and the share that is sensitive.
// param tissue: string, as in `cli query tissues`
// param limit: integer, rows; default 500
// columns: cell_line string, name string, responses integer, sensitive float
MATCH (c:CellLine)
WHERE c.tissue = $tissue
OPTIONAL MATCH (:Drug)-[t:TESTED_ON]->(c)
RETURN c.id AS cell_line, c.name AS name, count(t) AS responses, avg(t.response) AS sensitive
ORDER BY responses DESC, cell_line
LIMIT $limit
