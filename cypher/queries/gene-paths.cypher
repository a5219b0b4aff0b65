// name: gene-paths
// topic: A drug on a cell line
// about: Paths from a drug to a cell line over a gene that both attend to, the drug as a target.
// param drug: drug, name, alias or id
// param cell_line: cell_line, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: gene string, of_drug float, of_cell_line float, known boolean
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)<-[b:ATTENDS]-(c:CellLine {id: $cell_line})
WHERE a.run_id = $run AND b.run_id = $run AND a.objective = 'target'
WITH d, g, a.weight AS of_drug, max(b.weight) AS of_cell_line
RETURN g.id AS gene, of_drug, of_cell_line, EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known
ORDER BY of_drug * of_cell_line DESC, gene
LIMIT $limit
