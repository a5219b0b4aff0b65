// name: drivers
// topic: A cell line
// about: Driver events of a cell line: mutated cancer genes, fusions, and recurrent gains and losses.
// param cell_line: cell_line, name, alias or id
// columns: gene string, kind string, event string, dataset string
MATCH (c:CellLine {id: $cell_line})-[m:MUTATED|COPY_NUMBER]->(g:Gene)
WHERE m.driver = true
RETURN g.id AS gene,
       CASE WHEN m.value < 0 THEN 'loss' WHEN m.event STARTS WITH 'gain' THEN 'gain' ELSE 'mutation' END AS kind,
       m.event AS event, m.dataset AS dataset
ORDER BY kind DESC, gene, dataset
