// name: coverage
// topic: The graph and its runs
// about: Responses of each dataset: numbers of responses, drugs and cell lines, and the share that is sensitive.
// columns: dataset string, drugs integer, cell_lines integer, responses integer, sensitive float
MATCH (d:Drug)-[t:TESTED_ON]->(c:CellLine)
RETURN t.dataset AS dataset, count(DISTINCT d.id) AS drugs, count(DISTINCT c.id) AS cell_lines,
       count(*) AS responses, avg(t.response) AS sensitive
ORDER BY dataset
